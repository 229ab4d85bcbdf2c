//! A secret is zeroized by its own type, with any allocator: this test uses the default one.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use byokey_protocol::secret::Secret;

const LENGTH: usize = 512;
/// Bytes per read.
const CHUNK: usize = 64 * 1024;
/// The secret is in memory only in masked form, so that the search does not find itself.
const MASK: u8 = 0x55;

/// Returns the test's secret, masked.
fn masked() -> Vec<u8> {
    let mut state = 1_u32;
    let mut letter = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        b'a' + u8::try_from(state >> 24).unwrap() % 26
    };
    (0..LENGTH).map(|_| letter() ^ MASK).collect()
}

/// Returns how often the second half of the secret occurs in the memory of this process: freeing
/// memory overwrites its beginning.
fn copies(masked: &[u8]) -> usize {
    let half = &masked[LENGTH / 2..];
    let mut chunk = vec![0; CHUNK];
    let own = chunk.as_ptr().addr()..chunk.as_ptr().addr() + CHUNK;
    let memory = File::open("/proc/self/mem").unwrap();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut found = 0;
    for region in maps.lines().filter_map(writable) {
        for part in outside(region, &own) {
            let mut at = part.start;
            while at + half.len() <= part.end {
                let count = CHUNK.min(part.end - at);
                if memory
                    .read_exact_at(&mut chunk[..count], at as u64)
                    .is_err()
                {
                    break;
                }
                let places = chunk[..count].windows(half.len());
                let is_it = |place: &&[u8]| place.iter().zip(half).all(|(a, b)| *a ^ MASK == *b);
                found += places.filter(is_it).count();
                // An occurrence across the end of the chunk is found with the next one.
                at += count - half.len() + 1;
            }
        }
    }
    found
}

/// Returns a writable region of memory.
fn writable(line: &str) -> Option<Range<usize>> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let address = |text| usize::from_str_radix(text, 16).ok();
    let range = address(start)?..address(end)?;
    rest.starts_with("rw").then_some(range)
}

/// Returns the parts of a region outside another one.
fn outside(region: Range<usize>, hole: &Range<usize>) -> [Range<usize>; 2] {
    let before = region.start..region.end.min(hole.start);
    let behind = region.start.max(hole.end)..region.end;
    [before, behind]
}

#[test]
fn a_secret_is_wiped_when_it_is_dropped() {
    let masked = masked();
    let mut plain: String = masked.iter().map(|byte| char::from(byte ^ MASK)).collect();
    let secret = Secret::from(plain.as_str());
    zeroize::Zeroize::zeroize(&mut plain);
    assert_eq!(copies(&masked), 1, "held once");
    let second = secret.duplicate();
    assert_eq!(copies(&masked), 2, "and once more");
    drop(secret);
    assert_eq!(copies(&masked), 1);
    drop(second);
    assert_eq!(copies(&masked), 0);
}
