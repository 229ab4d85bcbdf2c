//! Runs every transcript: in memory, and against the spawned program unless it moves the clock or
//! has a second peer. Each is a test of its own, named after its file.

use byokey_tests::transcript::{self, Mode, play};
use libtest_mimic::{Arguments, Trial};

fn main() {
    let mut trials = Vec::new();
    for transcript in transcript::all() {
        for (mode, word) in [(Mode::Memory, "memory"), (Mode::Spawned, "spawned")] {
            if mode == Mode::Spawned && transcript.is_for_memory_only() {
                continue;
            }
            let name = format!("{}::{word}", transcript.name.replace('/', "::"));
            let transcript = transcript.clone();
            trials.push(Trial::test(name, move || Ok(play(&transcript, mode)?)));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
