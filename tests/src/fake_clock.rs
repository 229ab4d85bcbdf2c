//! A fake clock for a running program, so that tests need not wait for limits of minutes.
//!
//! The shipped program is static, so no library can be preloaded. But clocks are read through the
//! vDSO, code that the kernel maps into every process, which can be overwritten from outside like
//! other memory.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

/// The replacement of `clock_gettime`: the system call, plus an offset in seconds, plus another one
/// if the clock is that of the day (0).
const CODE: [u8; 26] = [
    0xb8, 0xe4, 0, 0, 0, // mov eax, 228
    0x0f, 0x05, // syscall
    0x48, 0x81, 0x06, 0, 0, 0, 0, // add qword [rsi], seconds
    0x85, 0xff, // test edi, edi
    0x75, 0x07, // jne ret
    0x48, 0x81, 0x06, 0, 0, 0, 0,    // add qword [rsi], seconds
    0xc3, // ret
];
/// The places of the offsets in it.
const SECONDS: u64 = 10;
const SECONDS_OF_DAY: u64 = 21;
/// Its symbol in the vDSO.
const NAME: &[u8] = b"__vdso_clock_gettime\0";
/// The type of the program header for linking.
const DYNAMIC: u64 = 2;
/// Entries in it.
const STRINGS: u64 = 5;
const SYMBOLS: u64 = 6;

/// The clocks of a program.
#[derive(Debug)]
pub struct Clocks {
    memory: File,
    /// The address of the code.
    at: u64,
}

impl Clocks {
    /// Returns whether clocks cannot be moved here; reports it on the test's output, because
    /// something is not tested then.
    #[must_use]
    pub fn are_missing() -> bool {
        let missing = !cfg!(all(target_os = "linux", target_arch = "x86_64"));
        if missing {
            println!("SKIPPED: clocks are moved on Linux on x86-64 only");
        }
        missing
    }

    /// Returns the clocks of the program with that id, which must be waiting.
    ///
    /// # Panics
    ///
    /// When its memory cannot be written, or its vDSO is of another kind.
    #[must_use]
    pub fn of(pid: u32) -> Self {
        let memory = OpenOptions::new()
            .read(true)
            .write(true)
            .open(format!("/proc/{pid}/mem"))
            .expect("the memory of the program is writable");
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).expect("it runs");
        let line = maps.lines().find(|line| line.ends_with("[vdso]"));
        let (range, _) = line.and_then(|line| line.split_once(' ')).expect("a vDSO");
        let (start, end) = range.split_once('-').expect("a range");
        let address = |text| u64::from_str_radix(text, 16).expect("an address");
        let (start, end) = (address(start), address(end));
        let mut bytes = vec![0; usize::try_from(end - start).expect("it is small")];
        memory.read_exact_at(&mut bytes, start).expect("a vDSO");
        let at = start + offset(&bytes).expect("the vDSO tells the time");
        memory.write_all_at(&CODE, at).expect("a vDSO to write");
        Self { memory, at }
    }

    /// Moves them ahead of the real time. A sleeping program notices when it is woken.
    ///
    /// # Panics
    ///
    /// When the program is gone.
    pub fn move_ahead(&self, by: Duration) {
        let seconds = i32::try_from(by.as_secs()).expect("no more than years");
        self.write(seconds, SECONDS);
    }

    /// Sets the time of day off by this many seconds, as a user may: other clocks stay as they are.
    ///
    /// # Panics
    ///
    /// When the program is gone.
    pub fn set_time_of_day(&self, off: i32) {
        self.write(off, SECONDS_OF_DAY);
    }

    fn write(&self, seconds: i32, place: u64) {
        self.memory
            .write_all_at(&seconds.to_le_bytes(), self.at + place)
            .expect("the program runs");
    }
}

/// Returns the offset of `clock_gettime` in a vDSO, which is a small shared library.
fn offset(vdso: &[u8]) -> Option<u64> {
    let headers = number::<8>(vdso, 32)?;
    let count = number::<2>(vdso, 56)?;
    let mut headers = (0..count).map(|index| headers + 56 * index);
    let dynamic = headers.find(|header| number::<4>(vdso, *header) == Some(DYNAMIC))?;
    let (from, size) = (
        number::<8>(vdso, dynamic + 8)?,
        number::<8>(vdso, dynamic + 32)?,
    );
    let entry = |kind| {
        let mut entries = (from..from + size).step_by(16);
        let entry = entries.find(|entry| number::<8>(vdso, *entry) == Some(kind))?;
        number::<8>(vdso, entry + 8)
    };
    let (names, symbols) = (entry(STRINGS)?, entry(SYMBOLS)?);
    let is_it = |symbol: &u64| {
        let name = number::<4>(vdso, *symbol).and_then(|name| usize::try_from(names + name).ok());
        name.and_then(|name| vdso.get(name..))
            .is_some_and(|rest| rest.starts_with(NAME))
    };
    let mut symbols = (symbols..vdso.len() as u64).step_by(24);
    number::<8>(vdso, symbols.find(is_it)? + 8)
}

/// Reads an integer of this many bytes.
fn number<const SIZE: usize>(bytes: &[u8], at: u64) -> Option<u64> {
    let rest = bytes.get(usize::try_from(at).ok()?..)?;
    let mut number = [0; 8];
    number[..SIZE].copy_from_slice(rest.first_chunk::<SIZE>()?);
    Some(u64::from_le_bytes(number))
}
