//! Why a token command brought no token.

use byokey_auth::{InvalidCredential, TokenKind};
use byokey_protocol::error::ErrorKind;

use super::list::RunFailure;
use super::run::MAX_OUTPUT;

/// Why there is no token of a provider's command. The call that needs it is not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token command of the provider `{provider}` {problem}")]
pub struct TokenCommandFailure {
    /// The provider's id.
    pub provider: String,
    /// What went wrong.
    pub problem: Problem,
}

/// What went wrong, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The run itself failed.
    #[error("{}", run_in_words(*.0))]
    Run(RunFailure),
    /// It printed nothing but white space.
    #[error("printed no token; it has to print the token on standard output")]
    Empty,
    /// It printed what cannot be sent.
    #[error("{}", unusable_in_words(*.0))]
    Unusable(InvalidCredential),
    /// The configuration differs from that of the start.
    #[error(
        "was added or changed after the start of this server, which runs only the commands of its \
         start; restart the server"
    )]
    NotOfTheStart,
    /// The process that runs the commands is not there.
    #[error("cannot be run: the process for it has ended, or was not started; restart the server")]
    NoRunner,
}

impl TokenCommandFailure {
    /// Returns the error kind for hosts.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self.problem {
            Problem::NotOfTheStart => ErrorKind::ConfigurationInvalid,
            _ => ErrorKind::TokenCommandFailed,
        }
    }
}

fn run_in_words(failure: RunFailure) -> String {
    let by_hand = "run it by hand to see why; what it wrote on standard error is in the log of this \
                   server";
    match failure {
        RunFailure::Exit(code) => format!("ended with exit code {code}; {by_hand}"),
        RunFailure::Signal(signal) => format!("was ended by signal {signal}; {by_hand}"),
        RunFailure::Timeout => {
            "took longer than its `timeout_ms` and was ended; make it faster, or raise `timeout_ms`"
                .to_owned()
        }
        RunFailure::TooLong => format!(
            "printed more than {} KiB and was ended; it has to print the token and nothing else",
            MAX_OUTPUT / 1024
        ),
        RunFailure::NotFound => {
            "was not found; check `command` and `cwd`, or `PATH` for a bare name".to_owned()
        }
        RunFailure::NotExecutable => {
            "may not be executed; check the permissions of the program".to_owned()
        }
        RunFailure::NoFolder => {
            "cannot be started: its working folder is not there; check `cwd`".to_owned()
        }
        RunFailure::NotStarted(error) => {
            format!("cannot be started (system error {error}); check that it is a program")
        }
        RunFailure::Unlisted => Problem::NotOfTheStart.to_string(),
    }
}

fn unusable_in_words(invalid: InvalidCredential) -> &'static str {
    match invalid {
        InvalidCredential::Quoted(TokenKind::Bearer) => {
            "printed a token in quotes; it has to print the text between them"
        }
        InvalidCredential::WithScheme(TokenKind::Bearer) => {
            "printed `Bearer` before the token; it has to print the token alone"
        }
        _ => {
            "printed what no header can carry; it has to print one line of printable ASCII \
             characters, the token and nothing else"
        }
    }
}
