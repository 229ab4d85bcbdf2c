//! Takes the access token out of the environment of this process.
//!
//! The system keeps the environment that a process was started with for as long as it runs, on
//! its stack and under `/proc`. So the program starts itself once more, in its own place, without
//! the variable; the token comes through a pipe.

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(not(unix), path = "elsewhere.rs")]
mod platform;

use std::ffi::OsString;

use byokey_app_server::config::Environment;

/// What is handed over.
const TOKEN: &str = "CODEX_ACCESS_TOKEN";
/// Longest token: so much a pipe takes without a reader, wherever there are pipes.
const MAX_TOKEN: usize = 4096;

/// Starts the program again if a token is in its environment. Returns only if there is none, or
/// if the system refuses; then the token stays where it is.
pub(crate) fn hand_over() {
    if let Some(token) = std::env::var_os(TOKEN).filter(is_worth_it) {
        platform::start_again(token);
    }
}

/// The environment, with the token that was handed over.
pub(super) fn environment() -> Environment {
    let environment = Environment::of_process();
    match platform::received(&environment) {
        Some(token) => environment.with(TOKEN, &token),
        None => environment,
    }
}

/// Reports a token that could not be taken out of the environment, and a pipe that is none of
/// this program's. The log has to be there.
pub(super) fn report(environment: &Environment) {
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
