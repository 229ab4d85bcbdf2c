//! Timing test of bearer checks: whether the time of a refusal depends on how much of a bearer is
//! right.
//!
//! Welch's t-test, as in dudect: a million refusals of tokens with a wrong first character and of
//! tokens with a wrong last one, in random order. A |t| of 4.5 or more means that the two are
//! distinguishable. A control shows that the test detects this for a comparison that is not
//! constant-time. Times depend on the machine and its load, so this is a check before a release and
//! not a test: `cargo bench --bench bearer_timing`.

#![expect(clippy::print_stdout, reason = "the figures are the result")]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use byokey_rpc::websocket::BearerRule;

/// Samples of each kind of token.
const SAMPLES: usize = 1_000_000;
/// The two kinds are distinguishable from here on.
const THRESHOLD: f64 = 4.5;
/// Long, so that an early exit is much faster than a full comparison.
const LENGTH: usize = 4096;

fn main() -> ExitCode {
    let token = "k".repeat(LENGTH);
    let first_wrong = format!("x{}", "k".repeat(LENGTH - 1));
    let last_wrong = format!("{}x", "k".repeat(LENGTH - 1));
    let tokens = [first_wrong.as_str(), last_wrong.as_str()];
    let BearerRule::Capability(digest) = BearerRule::capability(token.as_bytes()) else {
        return ExitCode::FAILURE;
    };
    let early = t_value(tokens, |guess| {
        guess
            .bytes()
            .zip(token.bytes())
            .all(|(a, b)| black_box(a) == black_box(b))
    });
    let ours = t_value(tokens, |guess| digest.is_of(guess));
    println!("a comparison that ends early: |t| = {:.1}", early.abs());
    println!("ours: |t| = {:.2}, has to be below {THRESHOLD}", ours.abs());
    if early.abs() < THRESHOLD {
        println!("the measurement sees nothing here; run it on a machine with less to do");
        return ExitCode::FAILURE;
    }
    if ours.abs() < THRESHOLD {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Returns the difference between the two kinds, in standard errors.
fn t_value(tokens: [&str; 2], compare: impl Fn(&str) -> bool) -> f64 {
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let mut times = [const { Vec::new() }; 2];
    // One buffer for both, so that its address makes no difference.
    let mut guess = String::with_capacity(LENGTH);
    for _ in 0..SAMPLES {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let kind = usize::from(random & 1 == 1);
        guess.clear();
        guess.push_str(tokens.get(kind).copied().unwrap_or_default());
        let begun = Instant::now();
        let good = black_box(compare(black_box(&guess)));
        let took = begun.elapsed();
        assert!(!good, "both are wrong");
        if let Some(times) = times.get_mut(kind) {
            times.push(took.as_nanos() as f64);
        }
    }
    let [first, last] = times.map(|times| Moments::of(&cropped(times)));
    (first.mean - last.mean) / (first.error + last.error).sqrt()
}

/// Drops the slowest tenth, which was interrupted.
fn cropped(mut times: Vec<f64>) -> Vec<f64> {
    times.sort_by(f64::total_cmp);
    times.truncate(times.len() / 10 * 9);
    times
}

struct Moments {
    mean: f64,
    /// The square of the standard error of the mean.
    error: f64,
}

impl Moments {
    fn of(times: &[f64]) -> Self {
        let count = times.len() as f64;
        let mean = times.iter().sum::<f64>() / count;
        let squares: f64 = times.iter().map(|time| (time - mean).powi(2)).sum();
        Self {
            mean,
            error: squares / (count - 1.0) / count,
        }
    }
}
