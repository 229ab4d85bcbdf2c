//! Runs the token commands of the configuration (`model_providers.<id>.auth`).
//!
//! The kernel's lock on files (Landlock) also forbids this process to start programs, and what it
//! starts would inherit the lock. So one small process, the runner, is started before: this program
//! with [`ARGUMENT`]. It gets the list of commands through a pipe before the first byte of a client is
//! read, runs those and nothing else, one at a time, and ends with this process. Requests name a
//! provider, never a command.
//!
//! Reading order: `list` (what passes through the pipes), `handle` (this process), `runner` and `run`
//! (the other one), `output` (what a command printed), `failure`.

mod failure;
#[cfg_attr(unix, path = "group/unix.rs")]
#[cfg_attr(not(unix), path = "group/unsupported.rs")]
mod group;
mod handle;
mod list;
mod output;
mod run;
mod runner;

pub use failure::{Problem, TokenCommandFailure};
pub use handle::{Runner, TokenCommands};
pub use runner::serve;

/// The argument with which this program is the runner.
pub const ARGUMENT: &str = "run-token-commands";

/// Returns whether these arguments start the runner.
pub fn is_runner(mut arguments: impl Iterator<Item = std::ffi::OsString>) -> bool {
    arguments
        .nth(1)
        .is_some_and(|argument| argument == ARGUMENT)
}
