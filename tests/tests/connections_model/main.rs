//! Connections and the credential against a small model: any sequence of logins, logouts, 401s,
//! refreshes answered validly, late or wrongly, cancelled calls, ends of input, and connections
//! that open and close must lead to the same messages and the same end in both.
//!
//! Ten thousand sequences run unless `BYOKEY_MODEL_SEQUENCES` sets another number. A million in an
//! optimised build: `BYOKEY_MODEL_SEQUENCES=1000000 cargo test --profile no-trace -p byokey-tests
//! --test connections_model -- --nocapture`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(
    clippy::print_stdout,
    reason = "figures and skipped checks are for people to read"
)]

mod model;
mod operation;
mod random;
mod subject;

use std::time::Instant;

use model::Model;
use operation::Operation;
use random::Random;
use subject::Subject;

/// The default number of sequences.
const SEQUENCES: u64 = 10_000;
/// They are split into parts, one per thread.
const PARTS: u64 = 2;
/// Longest sequence.
const LONGEST: usize = 16;

// Row: a refresh holds up nothing
// Row: any sequence
#[test]
fn every_sequence_ends_as_the_model_says() {
    let begun = Instant::now();
    let named = std::env::var("BYOKEY_MODEL_SEQUENCES").ok();
    let sequences = named.map_or(SEQUENCES, |count| count.parse().unwrap());
    let parts = (0..PARTS).map(|part| std::thread::spawn(move || run_part(part, sequences)));
    let steps: u64 = parts
        .collect::<Vec<_>>()
        .into_iter()
        .map(|part| part.join().unwrap())
        .sum();
    println!(
        "{sequences} sequences, {steps} operations, {:?}",
        begun.elapsed()
    );
}

fn run_part(part: u64, sequences: u64) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut steps = 0;
        for seed in (part..sequences).step_by(usize::try_from(PARTS).unwrap()) {
            steps += run_sequence(seed).await;
        }
        steps
    })
}

/// Runs one sequence on both, and compares them after each step. The seed reproduces it.
async fn run_sequence(seed: u64) -> u64 {
    let mut random = Random::of(seed);
    let (mut model, mut subject) = (Model::default(), Subject::new());
    let mut done = Vec::new();
    for _ in 0..1 + random.below(LONGEST) {
        let operation = Operation::choose(&mut random, &model);
        done.push(operation);
        let expected = model.apply(operation);
        let got = subject.apply(operation).await;
        assert_eq!(got, expected, "seed {seed}: {done:?}");
    }
    done.len() as u64
}
