//! `byokey run`: starts a gateway, and becomes the command that uses it.
//!
//! Nothing of the hardening is in force in this process, as the command inherits `no_new_privs`, the
//! core limit and Landlock: `sudo` and the command's own sandbox would fail. So this process holds no
//! token and reads no store. The gateway is another process, and hardened.
//!
//! The command replaces this process (`exec`) instead of being its child. Signals, job control, the
//! terminal, the exit status and the end are then those of the command itself, and no process is left
//! in between. The gateway ends with this process id.

mod announced;
mod codex;
#[cfg_attr(any(target_os = "linux", target_os = "macos"), path = "gateway.rs")]
#[cfg_attr(
    not(any(target_os = "linux", target_os = "macos")),
    path = "unsupported.rs"
)]
mod gateway;
mod opencode;
mod program;
mod proxy;
mod recipes;
mod version;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use byokey_app_server::config::Environment;
use clap::{Args, Subcommand};

use super::Common;
use super::report::printable;
use announced::{Account, Announced};
pub(crate) use gateway::Launch;
use recipes::Recipe;

/// Exit codes where the command is not started, as `env` has them.
const FAILED: u8 = 125;
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;

/// Options of `byokey run`.
#[derive(Debug, Args)]
#[command(
    disable_help_subcommand = true,
    override_usage = "byokey run [OPTIONS] <codex|opencode> [ARGS]...\n       \
                      byokey run [OPTIONS] -- <CMD> [ARGS]..."
)]
#[cfg_attr(feature = "help", command(after_help = super::examples::RUN))]
pub(crate) struct Run {
    /// Let codex make model calls only: its `/status` shows no account then.
    #[arg(long)]
    plain: bool,
    /// Append one JSON line for each turn to this file: what was said, without a token.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Append the log of the gateway to this file.
    #[arg(long, value_name = "FILE")]
    gateway_log: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    program: Option<Program>,
}

/// A program and its arguments, which are passed on as they are, also those that are options here.
#[derive(Debug, Subcommand)]
enum Program {
    #[command(external_subcommand)]
    Named(Vec<OsString>),
}

/// What to run.
#[derive(Debug, PartialEq, Eq)]
struct Words {
    /// Whether it follows `--`, so that no recipe is meant.
    is_any: bool,
    name: OsString,
    arguments: Vec<OsString>,
}

impl Run {
    pub(crate) fn run(&self, common: Common) -> ExitCode {
        let given: Vec<_> = std::env::args_os().collect();
        let Words {
            is_any,
            name,
            arguments,
        } = match self.words(&given) {
            Ok(words) => words,
            Err(problem) => return fail(problem, FAILED),
        };
        let named = Recipe::named(&name).filter(|_| !is_any);
        let recipe = match named.or_else(|| is_any.then(Recipe::any)) {
            Some(recipe) => recipe,
            None => return fail(&recipes::unknown(&name), FAILED),
        };
        let program = match program::find(&name) {
            Some(program) => program,
            None => return fail(&recipe.missing(&name), NOT_FOUND),
        };
        let options = gateway::Options {
            common: common.and(self.common.clone()),
            record: self.record.clone(),
            log: self.gateway_log.clone(),
        };
        // The gateway starts while the version is looked up.
        let gateway = match gateway::start(&options) {
            Ok(gateway) => gateway,
            Err(problem) => {
                return fail(&format!("cannot start the gateway: {problem}"), FAILED);
            }
        };
        if let Err(problem) = recipe.check_version(&program, &arguments) {
            return fail(&problem, FAILED);
        }
        let announced = match gateway.announced() {
            Ok(announced) => announced,
            Err(problem) => return fail(&problem, FAILED),
        };
        let way = recipe.way(announced.account.is_chatgpt() && !self.plain);
        let environment = Environment::of_process();
        let prepared = match way.prepare(&announced, arguments, &environment) {
            Ok(prepared) => prepared,
            Err(problem) => return fail(problem, FAILED),
        };
        let mut command = Command::new(&program);
        for name in super::environment::SECRETS.iter().chain(way.removed) {
            command.env_remove(name);
        }
        command
            .args(prepared.arguments)
            .envs(proxy::without_loopback(&environment))
            .envs(prepared.environment);
        super::command::tell(&line(&name.to_string_lossy(), &announced));
        let error = gateway::replace_process(command);
        let code = match error.kind() {
            std::io::ErrorKind::NotFound => NOT_FOUND,
            _ => NOT_EXECUTABLE,
        };
        fail(
            &format!("cannot start {}: {error}", program.display()),
            code,
        )
    }

    /// Returns what to run. `given` are all arguments of this process: those of the program are the
    /// last of them.
    fn words(&self, given: &[OsString]) -> Result<Words, &'static str> {
        let words = match &self.program {
            Some(Program::Named(words)) => words.as_slice(),
            None => &[],
        };
        let (name, arguments) = words
            .split_first()
            .ok_or("name what to run: codex, opencode, or `-- CMD` for any other program")?;
        let before = given.len().checked_sub(words.len() + 1);
        let before = before.and_then(|index| given.get(index));
        Ok(Words {
            is_any: before.is_some_and(|word| word == "--"),
            name: name.clone(),
            arguments: arguments.to_vec(),
        })
    }
}

fn fail(problem: &str, code: u8) -> ExitCode {
    super::fail(problem);
    ExitCode::from(code)
}

/// Returns the one line that is printed before the command has the terminal.
fn line(name: &str, announced: &Announced) -> String {
    let login = match &announced.account {
        Account {
            email: Some(email), ..
        } => format!("the login of {}", printable(email)),
        account => match account.kind.as_str() {
            "chatgpt" => "a ChatGPT login",
            "apiKey" => "an API key",
            _ => "the model provider of config.toml",
        }
        .to_owned(),
    };
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    format!(
        "byokey: {} runs on {login}, through {}",
        printable(name),
        announced.url
    )
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::Parser as _;

    use super::super::{Cli, Command};
    use super::{Account, Announced, line};

    /// Returns whether it follows `--`, and all words of the program.
    fn words(arguments: &[&str]) -> Result<(bool, Vec<String>), &'static str> {
        let arguments = ["byokey", "run"].iter().chain(arguments);
        let arguments: Vec<OsString> = arguments.map(Into::into).collect();
        let cli = Cli::try_parse_from(&arguments).unwrap();
        let Some(Command::Run(run)) = cli.command else {
            panic!("another command");
        };
        let found = run.words(&arguments)?;
        let all = std::iter::once(found.name).chain(found.arguments);
        let all = all.map(|word| word.into_string().unwrap());
        Ok((found.is_any, all.collect()))
    }

    #[test]
    fn the_arguments_of_an_agent_are_passed_on_as_they_are() {
        let given = [
            "codex", "-c", "model=x", "exec", "--store", "s", "--", "--record", "-p", "--help",
        ];
        let same = given.map(str::to_owned).to_vec();
        assert_eq!(words(&given), Ok((false, same.clone())));
        let with_options = [&["--store", "file", "--plain"], &given[..]].concat();
        assert_eq!(words(&with_options), Ok((false, same)));
        for other in [&["codex", "--", "-x"][..], &["help"], &["-x"]] {
            let passed = other.iter().map(|word| (*word).to_owned()).collect();
            let given = [&["--plain", "--"], other].concat();
            assert_eq!(words(&given), Ok((true, passed)));
        }
        assert_eq!(
            words(&["codex", "--"]),
            Ok((false, vec!["codex".into(), "--".into()]))
        );
    }

    #[test]
    fn a_command_has_to_be_named() {
        for arguments in [&[][..], &["--plain"], &["--"]] {
            assert!(words(arguments).unwrap_err().contains("codex, opencode"));
        }
    }

    #[test]
    fn the_line_names_the_login_and_no_secret() {
        let announced = Announced {
            url: "http://127.0.0.1:8455".to_owned(),
            bearer: "made-up".to_owned(),
            account: Account {
                kind: "chatgpt".to_owned(),
                email: Some("ada\u{1b}[2J@example.com".to_owned()),
            },
        };
        assert_eq!(
            line("/usr/bin/codex", &announced),
            "byokey: codex runs on the login of ada\\u{1b}[2J@example.com, through \
             http://127.0.0.1:8455"
        );
    }
}
