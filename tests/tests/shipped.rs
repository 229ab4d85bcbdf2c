//! The shipped program: static and position-independent, its size, startup time, and memory.
//! Figures that need a quiet machine are printed, not asserted.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "figures are for people to read")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use byokey_tests::{Home, ProcessStatus, byokey_optimised};

const INITIALIZE: &[u8] =
    b"{\"id\":1,\"method\":\"initialize\",\"params\":{\"clientInfo\":{\"name\":\"test\",\"version\":\"0\"}}}\n";

/// Runs of each program; they alternate.
const RUNS: usize = 41;

/// Goals, in bytes and KiB, for the static build.
const MAX_FULL: u64 = 9 * 1024 * 1024;
const MAX_SMALL: u64 = 5 * 1024 * 1024;
const MAX_RESIDENT: u64 = 4608;
/// The full program misses that goal since it has standby connections, completions and manual
/// pages: the system maps 64 KiB of code around each page that is touched. This bound keeps it from
/// growing further; decision 34 names the gap.
const MAX_RESIDENT_FULL: u64 = 5376;

/// ELF: the relevant types of a file and of a segment.
const POSITION_INDEPENDENT: u16 = 3;
const INTERPRETER: u32 = 3;

/// Returns the build without optional features, if there is one.
fn small() -> Option<PathBuf> {
    let named = std::env::var_os("BYOKEY_SMALL_BIN").map(PathBuf::from);
    if named.is_none() {
        println!("SKIPPED: BYOKEY_SMALL_BIN does not name a program without optional features");
    }
    named
}

/// Returns whether the program needs no dynamic linker, and whether it can be loaded at any
/// address.
fn is_static_and_position_independent(program: &Path) -> (bool, bool) {
    let file = std::fs::read(program).unwrap();
    assert_eq!(file[..5], *b"\x7fELF\x02", "a 64-bit program of Linux");
    let at = |offset: usize, length: usize| {
        let bytes = file[offset..offset + length].iter().rev();
        bytes.fold(0, |value, byte| value << 8 | usize::from(*byte))
    };
    let (headers, size, count) = (at(32, 8), at(54, 2), at(56, 2));
    let needs_linker =
        (0..count).any(|number| at(headers + number * size, 4) == INTERPRETER as usize);
    (
        !needs_linker,
        at(16, 2) == usize::from(POSITION_INDEPENDENT),
    )
}

/// Starts a program, writes one line to it, and waits for one.
fn first_line(mut command: Command) -> (Child, Duration) {
    let begun = Instant::now();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.as_mut().unwrap().write_all(INITIALIZE).unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.as_mut().unwrap());
    output.read_line(&mut line).unwrap();
    assert!(!line.is_empty(), "no answer");
    (child, begun.elapsed())
}

fn app_server(program: &Path, home: &Home) -> Command {
    let mut command = Command::new(program);
    command
        .arg("app-server")
        .env_clear()
        .env("HOME", home.path());
    command
}

/// Ends the process.
fn end(mut child: Child) {
    drop(child.stdin.take());
    child.wait().unwrap();
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[test]
fn it_is_static_and_position_independent() {
    let program = byokey_optimised();
    let (is_static, is_independent) = is_static_and_position_independent(&program);
    assert!(is_independent, "it is always loaded at the same address");
    if is_static {
        println!(
            "figure: static and position-independent: {}",
            program.display()
        );
    } else {
        // Such a program runs here, but is not the shipped one.
        println!(
            "SKIPPED: {} is not static; release/program.sh says why",
            program.display()
        );
    }
}

#[test]
fn it_is_small() {
    let programs = [(Some(byokey_optimised()), MAX_FULL), (small(), MAX_SMALL)];
    for (program, most) in programs {
        let Some(program) = program else { continue };
        let bytes = std::fs::metadata(&program).unwrap().len();
        let mebibytes = f64::from(u32::try_from(bytes).unwrap()) / 1024.0 / 1024.0;
        println!("figure: {} has {mebibytes:.2} MiB", program.display());
        assert!(bytes <= most, "{bytes} bytes, at most {most}");
    }
}

#[test]
fn it_takes_little_memory() {
    let home = Home::new("");
    let programs = [
        (Some(byokey_optimised()), MAX_RESIDENT_FULL),
        (small(), MAX_RESIDENT),
    ];
    for (program, most) in programs {
        let Some(program) = program else { continue };
        let (child, _) = first_line(app_server(&program, &home));
        let resident = ProcessStatus::of(child.id()).resident;
        println!(
            "figure: {resident} KiB resident after `initialize`: {}",
            program.display()
        );
        end(child);
        if is_static_and_position_independent(&program).0 {
            assert!(resident <= most, "{resident} KiB, at most {most}");
        }
    }
}

#[test]
fn the_time_of_a_start_is_printed_beside_that_of_cat() {
    let home = Home::new("");
    for program in [Some(byokey_optimised()), small()].into_iter().flatten() {
        let (mut ours, mut cats) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            for (command, times) in [
                (app_server(&program, &home), &mut ours),
                (Command::new("cat"), &mut cats),
            ] {
                let (child, time) = first_line(command);
                times.push(time);
                end(child);
            }
        }
        let (ours, cats) = (median(ours), median(cats));
        let ratio = ours.as_secs_f64() / cats.as_secs_f64();
        println!(
            "figure: from the spawn to the first line: {ours:?}, `cat` {cats:?}, {ratio:.2} times; {}",
            program.display()
        );
    }
}
