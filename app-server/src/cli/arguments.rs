//! Mistakes in the arguments: text on standard error, and one JSON object on standard output where
//! the command was asked for one.

use std::ffi::OsString;
use std::process::ExitCode;

use byokey_protocol::error::ErrorKind;

#[cfg(feature = "doctor")]
use super::doctor;
#[cfg(feature = "gateway")]
use super::gateway;
use super::report::{Failure, Report};
use super::{print, version};

/// Reports why the arguments cannot be used, or prints the help that they ask for. Returns the exit
/// code.
pub(super) fn report(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    // Nothing can be reported when the terminal is gone.
    drop(error.print());
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    if let Some(command) = asked_for_json(arguments) {
        let message = first_sentence(error);
        let kind = ErrorKind::InvalidParams;
        print(&match command {
            Command::Status => json(&Report::failed("unknown", kind, message)),
            #[cfg(feature = "doctor")]
            Command::Doctor => doctor::wrong_arguments(&message),
            #[cfg(feature = "gateway")]
            Command::Gateway => gateway::wrong_arguments(&message),
            Command::Version => json(&version::Failed {
                error: Failure { kind, message },
            }),
        });
    }
    ExitCode::from(2)
}

/// The commands with `--json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Status,
    #[cfg(feature = "doctor")]
    Doctor,
    #[cfg(feature = "gateway")]
    Gateway,
    Version,
}

/// Returns the command that was asked for JSON. clap has parsed no further than to the mistake.
fn asked_for_json(arguments: &[OsString]) -> Option<Command> {
    let words = arguments.iter().skip(1).take_while(|word| *word != "--");
    let is_asked = words.clone().any(|word| word == "--json");
    let mut commands = words.filter_map(|word| match word.to_str()? {
        "status" => Some(Command::Status),
        #[cfg(feature = "doctor")]
        "doctor" => Some(Command::Doctor),
        #[cfg(feature = "gateway")]
        "gateway" => Some(Command::Gateway),
        "version" => Some(Command::Version),
        _ => None,
    });
    commands.next().filter(|_| is_asked)
}

/// Returns what is wrong, on one line: without the usage and the hints that follow on a terminal.
fn first_sentence(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let first = text.split("\n\n").next().unwrap_or_default();
    first.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn json(object: &impl serde::Serialize) -> String {
    serde_json::to_string(object).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Command, asked_for_json};

    #[test]
    fn only_a_command_with_json_prints_an_object() {
        for (line, expected) in [
            ("byokey status --json --nope", Some(Command::Status)),
            ("byokey --nope status --json", Some(Command::Status)),
            ("byokey version --json nope", Some(Command::Version)),
            ("byokey status --nope", None),
            ("byokey status -- --json", None),
            ("byokey app-server --json", None),
            ("byokey", None),
        ] {
            let words: Vec<_> = line.split(' ').map(Into::into).collect();
            assert_eq!(asked_for_json(&words), expected, "{line}");
        }
    }
}
