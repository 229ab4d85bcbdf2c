//! What passes between this process and the runner: the list of commands once, then a line with a
//! provider's id for each run, and back a head of fixed size before what the command printed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::run::{MAX_ERRORS, MAX_OUTPUT};
use crate::config::TokenCommand;

/// Longest line to the runner, in bytes: the list of all commands.
pub(super) const MAX_LINE: u64 = 4 * 1024 * 1024;
/// Length of the head of an answer, in bytes.
pub(super) const HEAD: usize = 13;

/// A command as the runner gets it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Listed {
    pub(super) program: PathBuf,
    pub(super) args: Vec<String>,
    pub(super) cwd: Option<PathBuf>,
    pub(super) timeout_ms: u64,
}

/// The commands, by the ids of their providers.
pub(super) type List = BTreeMap<String, Listed>;

impl From<&TokenCommand> for Listed {
    fn from(command: &TokenCommand) -> Self {
        Self {
            program: command.path(),
            args: command.args.clone(),
            cwd: command.cwd.clone(),
            timeout_ms: u64::try_from(command.timeout.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// Why a run brought nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunFailure {
    /// Another exit code than 0.
    Exit(i32),
    /// A signal.
    Signal(i32),
    /// It took too long.
    Timeout,
    /// It printed too much.
    TooLong,
    /// There is no such program.
    NotFound,
    /// The program may not be executed.
    NotExecutable,
    /// There is no such working folder.
    NoFolder,
    /// The system cannot start it: its error code.
    NotStarted(i32),
    /// The runner has no command for this provider.
    Unlisted,
}

impl RunFailure {
    const fn code(self) -> (u8, i32) {
        match self {
            Self::Exit(code) => (1, code),
            Self::Signal(signal) => (2, signal),
            Self::Timeout => (3, 0),
            Self::TooLong => (4, 0),
            Self::NotFound => (5, 0),
            Self::NotExecutable => (6, 0),
            Self::NoFolder => (7, 0),
            Self::NotStarted(error) => (8, error),
            Self::Unlisted => (9, 0),
        }
    }

    const fn of_code(kind: u8, detail: i32) -> Option<Self> {
        Some(match kind {
            1 => Self::Exit(detail),
            2 => Self::Signal(detail),
            3 => Self::Timeout,
            4 => Self::TooLong,
            5 => Self::NotFound,
            6 => Self::NotExecutable,
            7 => Self::NoFolder,
            8 => Self::NotStarted(detail),
            9 => Self::Unlisted,
            _ => return None,
        })
    }
}

/// The head of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) failure: Option<RunFailure>,
    /// Length of what was printed on standard output; 0 after a failure.
    pub(super) output: usize,
    /// Length of what may be logged of its standard error.
    pub(super) errors: usize,
}

impl Head {
    pub(super) fn encode(self) -> [u8; HEAD] {
        let (kind, detail) = self.failure.map_or((0, 0), RunFailure::code);
        // Both are bounded.
        let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
        let mut bytes = [0; HEAD];
        bytes[0] = kind;
        bytes[1..5].copy_from_slice(&detail.to_le_bytes());
        bytes[5..9].copy_from_slice(&length(self.output));
        bytes[9..].copy_from_slice(&length(self.errors));
        bytes
    }

    /// Returns the head in these bytes; `None` if the runner cannot have written them.
    pub(super) fn decode(bytes: [u8; HEAD]) -> Option<Self> {
        let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let length = |at: usize, most: usize| {
            let length = usize::try_from(word(at)?).ok()?;
            (length <= most).then_some(length)
        };
        let failure = match bytes[0] {
            0 => None,
            kind => Some(RunFailure::of_code(kind, word(1)?.cast_signed())?),
        };
        Some(Self {
            failure,
            output: length(5, MAX_OUTPUT)?,
            errors: length(9, MAX_ERRORS)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Head, MAX_OUTPUT, RunFailure};

    #[test]
    fn heads_are_read_as_they_were_written() {
        for failure in [
            None,
            Some(RunFailure::Exit(-1)),
            Some(RunFailure::Signal(9)),
            Some(RunFailure::Timeout),
            Some(RunFailure::TooLong),
            Some(RunFailure::NotFound),
            Some(RunFailure::NotExecutable),
            Some(RunFailure::NoFolder),
            Some(RunFailure::NotStarted(8)),
            Some(RunFailure::Unlisted),
        ] {
            let head = Head {
                failure,
                output: MAX_OUTPUT,
                errors: 7,
            };
            assert_eq!(Head::decode(head.encode()), Some(head));
        }
    }

    #[test]
    fn lengths_above_the_limits_are_refused() {
        let head = Head {
            failure: None,
            output: MAX_OUTPUT + 1,
            errors: 0,
        };
        assert_eq!(Head::decode(head.encode()), None);
        assert_eq!(Head::decode([10; super::HEAD]), None);
    }
}
