//! Removes the access token from the environment of this process.
//!
//! The system keeps the initial environment of a process for its whole life, on its stack and under
//! `/proc`. So the program executes itself again in the same process, without the variable; the
//! token is passed through a pipe.

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(not(unix), path = "unsupported.rs")]
mod platform;

use std::ffi::OsString;

use crate::config::Environment;

/// The variable that is removed.
const TOKEN: &str = "CODEX_ACCESS_TOKEN";
/// Longest token: the guaranteed capacity of a pipe without a reader.
const MAX_TOKEN: usize = 4096;

/// Executes the program again if a token is in its environment. Returns only if there is none, or
/// if the system refuses; then the token stays in place.
pub fn hand_over() {
    if let Some(token) = std::env::var_os(TOKEN).filter(is_worth_it) {
        platform::start_again(token);
    }
}

/// Returns the environment with the passed token.
pub fn environment() -> Environment {
    let environment = Environment::of_process();
    match platform::received(&environment) {
        Some(token) => environment.with(TOKEN, &token),
        None => environment,
    }
}

/// Reports a token that could not be removed from the environment, and a pipe that is not this
/// program's. Call it after the log is set up.
pub fn report(environment: &Environment) {
    if let Some(token) = std::env::var_os(TOKEN).filter(|token| token.len() > MAX_TOKEN) {
        tracing::warn!(
            "{TOKEN} has {} bytes, more than the {MAX_TOKEN} that can be taken out of the \
             environment: it stays there, where other processes of this user may read it",
            token.len()
        );
    }
    platform::report(environment);
}

fn is_worth_it(token: &OsString) -> bool {
    (1..=MAX_TOKEN).contains(&token.len())
}
