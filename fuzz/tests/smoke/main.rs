//! Every target with its seeds, and with thousands of inputs made from them: always the same ones,
//! on any tool chain. What a failure says repeats it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "figures are for people to read")]

mod json;
mod mutation;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Instant;

use mutation::Mutator;

/// The inputs under `seeds/`, in the order of their names.
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
    let begun = Instant::now();
    let mut mutator = Mutator::of(&seeds);
    let made = (0..rounds).map(|_| mutator.next_input());
    for input in seeds.iter().cloned().chain(made) {
        // The target's own words are printed above.
        if catch_unwind(AssertUnwindSafe(|| target(&input))).is_err() {
            panic!("{name} fails for \"{}\"", input.escape_ascii());
        }
    }
    let (took, count) = (begun.elapsed(), seeds.len());
    println!("{name}: {count} seeds and {rounds} inputs made from them, {took:?}");
}

#[test]
fn framing() {
    smoke("framing", byokey_fuzz::framing, 2_000);
}

#[test]
fn envelope() {
    smoke("envelope", byokey_fuzz::envelope, 100_000);
}

#[test]
fn params() {
    smoke("params", byokey_fuzz::params, 5_000);
}

#[test]
fn refresh_answer() {
    smoke("refresh_answer", byokey_fuzz::refresh_answer, 100_000);
}

#[test]
fn jwt_claims() {
    smoke("jwt_claims", byokey_fuzz::jwt_claims, 100_000);
}

#[test]
fn upgrade_head() {
    smoke("upgrade_head", byokey_fuzz::upgrade_head, 20_000);
}
