//! Runs interactive commands to their end.

use std::path::Path;
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::{Canaries, Home, PATIENCE, byokey};

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// Returns the command in that home, with an otherwise empty environment and no screen. Its time
/// zone is UTC unless the environment names another: the system's has no effect on its output.
#[must_use]
pub fn command(home: &Home, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    command_of(&byokey(), home, arguments, environment)
}

/// Returns the same of another build of the program.
#[must_use]
pub fn command_of(
    program: &Path,
    home: &Home,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .env("HOME", home.path())
        .env("TZ", "UTC")
        .envs(environment.iter().copied())
        .current_dir(home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs a command with this standard input. The input counts as a secret, unless it is an address,
/// and no secret of the test may appear in the output.
///
/// # Panics
///
/// When it does not end in time.
pub async fn run(
    home: &Home,
    arguments: &[&str],
    environment: &[(&str, &str)],
    input: &str,
) -> Ended {
    let mut child = command(home, arguments, environment)
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("its input");
    // A command that does not read may have exited.
    drop(stdin.write_all(input.as_bytes()).await);
    drop(stdin);
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
    let output = output.expect("it ends in time").expect("its output");
    let ended = Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("text"),
        stderr: String::from_utf8(output.stderr).expect("text"),
    };
    let canaries = Canaries::default();
    if !input.contains("://") {
        canaries.add_for_test(input.trim());
    }
    canaries.check_text("standard output", &ended.stdout);
    canaries.check_text("standard error", &ended.stderr);
    ended
}

/// Returns the file of the store in a home, if there is one.
///
/// # Panics
///
/// When it is not JSON.
#[must_use]
pub fn auth_json(folder: &Path) -> Option<serde_json::Value> {
    let text = std::fs::read(folder.join("auth.json")).ok()?;
    Some(serde_json::from_slice(&text).expect("JSON"))
}
