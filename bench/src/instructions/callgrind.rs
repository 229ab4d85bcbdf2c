//! Valgrind as a counter of instructions.

use std::ffi::OsStr;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::Failure;
use crate::candidate::Candidate;
use crate::host::Host;
use crate::site::Site;

/// Makes valgrind count, and record only the sum.
const OPTIONS: [&str; 2] = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];

/// Returns the instructions that a candidate executes for an input, until its end.
pub(super) fn of_conversation(
    candidate: Candidate,
    site: &Site,
    converse: impl FnOnce(&mut Host) -> Result<(), Failure>,
) -> Result<f64, Failure> {
    let report = site.home.path().join("valgrind.log");
    let mut words = OPTIONS.map(str::to_owned).to_vec();
    words.push(format!("--log-file={}", report.display()));
    let mut host = Host::start(&candidate.under("valgrind", words)?, site)?;
    converse(&mut host)?;
    host.process.end()?;
    counted(&std::fs::read_to_string(report)?)
}

/// Returns the instructions that a command executes for this input.
pub(super) fn instructions(command: &[&OsStr], input: String) -> Result<f64, Failure> {
    let home = tempfile::tempdir()?;
    let mut child = Command::new("valgrind")
        .args(OPTIONS)
        .args(command)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home.path())
        .env("CODEX_HOME", home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().ok_or("a pipe is missing")?;
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input.as_bytes()));
        child.wait_with_output()
    })?;
    if !output.status.success() {
        return Err(format!("under valgrind, the program ended with {}", output.status).into());
    }
    counted(&String::from_utf8_lossy(&output.stderr))
}

fn counted(report: &str) -> Result<f64, Failure> {
    let line = report
        .lines()
        .find_map(|line| line.split_once("Collected :"));
    let (_, count) = line.ok_or("valgrind reports no count")?;
    Ok(count.trim().parse()?)
}
