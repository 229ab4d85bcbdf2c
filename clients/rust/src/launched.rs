//! What was started, and what it wrote last: for errors.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::redact::{redact, redact_argument};

/// Most lines of the log in an error.
const MOST_LINES: usize = 10;

/// A program that was started, and what it wrote last. Nothing of it holds a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Launched {
    /// The path of the program.
    pub command: String,
    /// Its arguments; values of settings are left out.
    pub args: Vec<String>,
    /// The last lines that it wrote to standard error, the latest last.
    pub last_log: Vec<String>,
}

impl Launched {
    pub(crate) fn new(command: &OsStr, args: &[OsString]) -> Self {
        let args = args.iter().map(|it| redact_argument(&it.to_string_lossy()));
        Self {
            command: redact(&command.to_string_lossy()),
            args: args.collect(),
            last_log: Vec::new(),
        }
    }
}

/// What an error shows of a program.
pub(crate) struct Shown<'a>(pub(crate) Option<&'a Launched>);

/// The command line, in parentheses.
impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(launched) = self.0 else {
            return Ok(());
        };
        write!(f, " (`{}", launched.command)?;
        for arg in &launched.args {
            write!(f, " {arg}")?;
        }
        f.write_str("`)")
    }
}

/// The end of the log, a line each.
pub(crate) struct Log<'a>(pub(crate) Option<&'a Launched>);

impl fmt::Display for Log<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.0.map_or(&[][..], |it| &it.last_log);
        if !lines.is_empty() {
            f.write_str(". The end of its log:")?;
        }
        lines.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

/// The last lines of a log, redacted.
#[derive(Debug, Default)]
pub(crate) struct Tail(Mutex<VecDeque<String>>);

impl Tail {
    pub(crate) fn push(&self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == MOST_LINES {
            lines.pop_front();
        }
        lines.push_back(redact(line));
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().cloned().collect()
    }
}
