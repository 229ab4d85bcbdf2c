//! `overheard COMMAND [ARGUMENT...]` runs a client's tests against the program with its traffic
//! recorded: fails if they do, if a secret appears in the program's output, or if it was not
//! started at all.
//!
//! The program is `BYOKEY_BIN`, or a build without optimisation: a shipped one has no events at the
//! level `trace`. The tests find its wrapper in both variables.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed, and tells what it did"
)]

use std::path::Path;
use std::process::{Command, ExitCode};

use byokey_tests::{Overheard, byokey};
use serde_json::Value;

const PROGRAM: [&str; 2] = ["BYOKEY_RELEASE_BIN", "BYOKEY_BIN"];

fn main() -> ExitCode {
    let overheard = Overheard::of(&byokey());
    let tokens = made_up_tokens();
    let tokens = tokens.as_object().expect("tokens by name").values();
    overheard.add_secrets(tokens.filter_map(Value::as_str));
    let mut words = std::env::args_os().skip(1);
    let status = Command::new(words.next().expect("a command"))
        .args(words)
        .envs(PROGRAM.map(|name| (name, overheard.program())))
        .status()
        .expect("the command starts");
    if !status.success() {
        println!("overheard: the command ended with {status}");
        return ExitCode::FAILURE;
    }
    println!("overheard: {}", overheard.check(""));
    ExitCode::SUCCESS
}

/// Those of the suite that all clients run. Some are refused before they reach the program.
fn made_up_tokens() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients/suite/tokens.json");
    let text = std::fs::read_to_string(file).expect("the tokens of the suite");
    serde_json::from_str(&text).expect("JSON")
}
