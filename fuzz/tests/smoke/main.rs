//! Every target with its seeds, and with thousands of inputs made from them: the same ones in every
//! run, on any tool chain. A failure's message reproduces it. `fuzz/long.sh` runs the same for
//! longer.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]
#![expect(clippy::print_stdout, reason = "figures are for people to read")]

mod json;
mod mutation;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use mutation::Mutator;

/// Timeout of one input.
const LONGEST: Duration = Duration::from_secs(1);
/// Slower inputs are measured again: only other load should take this long.
const SUSPICIOUS: Duration = Duration::from_millis(10);
/// Most memory of all of them together, in KiB.
const MOST_MEMORY: u64 = 256 * 1024;

/// Returns the inputs under `seeds/`, sorted by name.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("seeds")
        .join(target);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}

fn smoke(name: &str, target: fn(&[u8]), rounds: usize) {
    let seeds = seeds(name);
    assert!(seeds.len() > 4, "the seeds are not where they should be");
    let effort = Effort::of(rounds);
    let begun = Instant::now();
    let mut mutator = Mutator::of(&seeds, effort.start);
    let mut slowest = Duration::ZERO;
    let mut made = 0;
    let mut given = seeds.iter();
    loop {
        let input = match given.next() {
            Some(seed) => seed.clone(),
            None if effort.is_enough(made, begun) => break,
            None => {
                made += 1;
                mutator.next_input()
            }
        };
        // The target's own message is printed above.
        let Ok(took) = catch_unwind(AssertUnwindSafe(|| quickest(target, &input))) else {
            panic!("{name} fails for \"{}\"", input.escape_ascii());
        };
        let shown = input.escape_ascii();
        assert!(took <= LONGEST, "{name} takes {took:?} for \"{shown}\"");
        slowest = slowest.max(took);
    }
    let (took, count, start) = (begun.elapsed(), seeds.len(), effort.start);
    println!(
        "{name}: {count} seeds and {made} inputs made from them, {took:?}, start {start}; \
         slowest {slowest:?}; most memory {} KiB",
        most_memory()
    );
}

/// The number of inputs, and the start in the random order.
struct Effort {
    rounds: usize,
    time: Option<Duration>,
    start: u64,
}

impl Effort {
    /// `BYOKEY_FUZZ_SECONDS` sets a time instead of a number, `BYOKEY_FUZZ_START` another start
    /// than that of every test run.
    fn of(rounds: usize) -> Self {
        let number = |name| Some(std::env::var(name).ok()?.parse().expect("a number"));
        Self {
            rounds,
            time: number("BYOKEY_FUZZ_SECONDS").map(Duration::from_secs),
            start: number("BYOKEY_FUZZ_START").unwrap_or_default(),
        }
    }

    fn is_enough(&self, made: usize, begun: Instant) -> bool {
        match self.time {
            Some(time) => begun.elapsed() >= time,
            None => made >= self.rounds,
        }
    }
}

/// Returns the time of a target. A long one may be due to other load, so the best of a few runs
/// counts.
fn quickest(target: fn(&[u8]), input: &[u8]) -> Duration {
    let time = || {
        let begun = Instant::now();
        target(input);
        begun.elapsed()
    };
    let first = time();
    if first <= SUSPICIOUS {
        return first;
    }
    (0..3).map(|_| time()).fold(first, Duration::min)
}

/// Returns the peak memory of this process, in KiB, if known.
///
/// # Panics
///
/// When it is more than any input may take.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|peak| peak.split_whitespace().next());
    let peak = peak.map_or(0, |peak| peak.parse().unwrap());
    assert!(peak <= MOST_MEMORY, "{peak} KiB");
    peak
}

// Row: any input
#[test]
fn framing() {
    smoke("framing", byokey_fuzz::framing, 2_000);
}

// Row: any input
#[test]
fn envelope() {
    smoke("envelope", byokey_fuzz::envelope, 100_000);
}

// Row: any input
#[test]
fn params() {
    smoke("params", byokey_fuzz::params, 5_000);
}

// Row: any input
#[test]
fn refresh_answer() {
    smoke("refresh_answer", byokey_fuzz::refresh_answer, 100_000);
}

// Row: any input
#[test]
fn jwt_claims() {
    smoke("jwt_claims", byokey_fuzz::jwt_claims, 100_000);
}

// Row: any input
#[test]
fn upgrade_head() {
    smoke("upgrade_head", byokey_fuzz::upgrade_head, 20_000);
}

// Row: any input
#[test]
fn callback_request() {
    smoke("callback_request", byokey_fuzz::callback_request, 20_000);
}
