//! The side of this process: starts the runner, and asks it for runs.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use byokey_protocol::secret::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::failure::{Problem, TokenCommandFailure};
use super::list::{HEAD, Head, List, Listed};
use super::{ARGUMENT, output};
use crate::config::{Config, TokenCommand};

/// How long the runner may take longer than its command.
const RUNNER_GRACE: Duration = Duration::from_secs(10);
/// Variables with a secret of this program. They are taken out of its environment where that is
/// possible, and never given to a command.
const OURS: [&str; 2] = ["CODEX_ACCESS_TOKEN", "BYOKEY_ACCESS_TOKEN_PIPE"];

/// The runner, and the commands that it was started with.
#[derive(Debug)]
pub struct TokenCommands {
    commands: BTreeMap<String, TokenCommand>,
    /// Held during a run: there is one at a time.
    pipes: Mutex<Pipes>,
}

/// The pipes to the runner. It ends when they are closed.
#[derive(Debug)]
enum Pipes {
    /// Not used yet: there was no runtime.
    Started(std::process::ChildStdin, std::process::ChildStdout),
    Open(ChildStdin, ChildStdout),
    /// The runner has ended, or was not understood.
    Closed,
}

/// What became of the runner at the start of the process.
#[derive(Debug)]
pub enum Runner {
    /// The configuration has no command.
    Unneeded,
    /// It was started.
    Started(TokenCommands),
    /// It could not be started.
    Failed,
}

impl Runner {
    /// Starts the runner for the commands of a configuration. That it cannot be started is logged.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let commands = config.usable_token_commands();
        if commands.is_empty() {
            return Self::Unneeded;
        }
        match TokenCommands::start(commands) {
            Ok(started) => Self::Started(started),
            Err(error) => {
                tracing::error!("cannot start the process that runs token commands: {error}");
                Self::Failed
            }
        }
    }

    /// Returns whether commands can be run, for the report of the hardening; `None` if there are
    /// none.
    #[must_use]
    pub const fn report(&self) -> Option<bool> {
        match self {
            Self::Unneeded => None,
            Self::Started(_) => Some(true),
            Self::Failed => Some(false),
        }
    }
}

impl TokenCommands {
    /// Starts the runner: this program, with these commands.
    ///
    /// Call it before the process is restricted: the runner and its commands would inherit that.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn start(commands: BTreeMap<String, TokenCommand>) -> io::Result<Self> {
        Self::start_program(&std::env::current_exe()?, commands)
    }

    /// Starts the runner from another file of this program.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn start_program(
        program: &Path,
        commands: BTreeMap<String, TokenCommand>,
    ) -> io::Result<Self> {
        let listed = commands
            .iter()
            .map(|(id, command)| (id.clone(), Listed::from(command)));
        let list = Zeroizing::new(serde_json::to_vec(&listed.collect::<List>())?);
        keep_descriptors();
        let mut runner = Command::new(program);
        for variable in OURS {
            runner.env_remove(variable);
        }
        // A Ctrl-C in a terminal is for this process, which decides when the runner ends.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut runner, 0);
        let mut runner = runner
            .arg(ARGUMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (Some(mut input), Some(output)) = (runner.stdin.take(), runner.stdout.take()) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        input.write_all(&list)?;
        input.write_all(b"\n")?;
        Ok(Self {
            commands,
            pipes: Mutex::new(Pipes::Started(input, output)),
        })
    }

    /// Runs the command of a provider and returns the token that it printed.
    ///
    /// Not safe to drop during a run: the runner is lost then. Await it in a task of its own.
    ///
    /// # Errors
    ///
    /// [`TokenCommandFailure`] when there is none that can be sent.
    pub async fn run(
        &self,
        id: &str,
        command: &TokenCommand,
    ) -> Result<Secret, TokenCommandFailure> {
        let failure = |problem| TokenCommandFailure {
            provider: command.provider.clone(),
            problem,
        };
        if self.commands.get(id) != Some(command) {
            return Err(failure(Problem::NotOfTheStart));
        }
        let (head, printed, errors) = {
            let mut pipes = self.pipes.lock().await;
            let taken = std::mem::replace(&mut *pipes, Pipes::Closed);
            let answer = tokio::time::timeout(command.timeout + RUNNER_GRACE, ask(taken, id)).await;
            let answer = answer.ok().and_then(Result::ok);
            let (open, answer) = answer.ok_or_else(|| failure(Problem::NoRunner))?;
            *pipes = open;
            answer
        };
        let token = match head.failure {
            Some(run) => Err(Problem::Run(run)),
            None => output::token(&printed),
        };
        let log = String::from_utf8_lossy(&errors);
        match &token {
            Err(_) if !log.is_empty() => tracing::warn!(
                "the token command of the provider `{}` failed, and wrote: {log}",
                command.provider
            ),
            Ok(_) if !log.is_empty() => tracing::debug!(
                "the token command of the provider `{}` wrote: {log}",
                command.provider
            ),
            _ => {}
        }
        token.map_err(failure)
    }
}

/// Marks what this process has inherited from its host, so that no other program inherits it.
fn keep_descriptors() {
    #[cfg(unix)]
    close_fds::set_fds_cloexec(3, &[]);
}

/// The head, standard output, and what may be logged of standard error.
type Answer = (Head, Zeroizing<Vec<u8>>, Vec<u8>);

/// Asks for a run. Pipes that are not returned are closed, and the runner ends.
async fn ask(pipes: Pipes, id: &str) -> io::Result<(Pipes, Answer)> {
    let (mut input, mut output) = match pipes {
        Pipes::Started(input, output) => {
            (ChildStdin::from_std(input)?, ChildStdout::from_std(output)?)
        }
        Pipes::Open(input, output) => (input, output),
        Pipes::Closed => return Err(io::ErrorKind::BrokenPipe.into()),
    };
    let mut line = serde_json::to_vec(id)?;
    line.push(b'\n');
    input.write_all(&line).await?;
    input.flush().await?;
    let mut head = [0; HEAD];
    output.read_exact(&mut head).await?;
    let head = Head::decode(head).ok_or(io::ErrorKind::InvalidData)?;
    let mut printed = Zeroizing::new(vec![0; head.output]);
    output.read_exact(&mut printed).await?;
    let mut errors = vec![0; head.errors];
    output.read_exact(&mut errors).await?;
    Ok((Pipes::Open(input, output), (head, printed, errors)))
}
