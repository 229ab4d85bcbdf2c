//! The environment from the test, and checks that print what was seen.

use std::error::Error;

use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, waitpid};
use serde::Serialize;
use serde_json::to_value;

/// Any failure ends the driver.
pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// Prints the value; fails if it is not the expected one.
pub fn check(what: &str, seen: impl Serialize, expected: impl Serialize) -> Outcome<()> {
    let (seen, expected) = (to_value(seen)?, to_value(expected)?);
    if seen != expected {
        return Err(format!("WRONG {what}\n  seen     {seen}\n  expected {expected}").into());
    }
    println!("ok {what}: {seen}");
    Ok(())
}

/// Returns a variable set by the test.
pub fn variable(name: &str) -> Outcome<String> {
    std::env::var(name).map_err(|_| format!("{name} is not set").into())
}

/// Returns the only child process.
pub fn only_child() -> Outcome<Pid> {
    let own = std::process::id();
    let children = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children"))?;
    let [child] = children.split_whitespace().collect::<Vec<_>>()[..] else {
        return Err(format!("one child was expected, not: {children:?}").into());
    };
    Pid::from_raw(child.parse()?).ok_or_else(|| "0 is no child".into())
}

/// Waits for the exit of the process; fails if it is known to have failed. The client may have read
/// its exit code already. The test has a timeout.
pub fn await_end(child: Pid) -> Outcome<()> {
    match waitpid(Some(child), WaitOptions::empty()) {
        Ok(Some((_, status))) => check("exit code", status.exit_status(), 0),
        Err(Errno::CHILD) => {
            println!("ok the server has ended");
            Ok(())
        }
        other => Err(format!("cannot wait for the server: {other:?}").into()),
    }
}
