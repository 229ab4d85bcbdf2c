//! Programs of the system that some tests look through.

use std::process::{Command, Stdio};

/// Whether a program is installed. Says so on the test's output if it is not, because something
/// is not tested then.
#[must_use]
pub fn has(program: &str) -> bool {
    let version = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let found = version.is_ok_and(|status| status.success());
    if !found {
        println!("SKIPPED: {program} is not installed");
    }
    found
}
