//! The server: this program, as a child process on two pipes.

use std::io::{self, BufRead as _, BufReader};
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

use super::host::Event;

/// The variable with the log level.
const LEVEL: &str = "RUST_LOG";

/// The server, as used by the scenario.
pub(super) trait Server {
    /// Waits for its exit and returns the exit code; `None` if it has none, or does not exit.
    fn exit_code(&mut self) -> Option<i32>;
}

/// The server as a child process. It is ended on drop.
pub(super) struct Child {
    process: std::process::Child,
    patience: Duration,
}

impl Child {
    /// Spawns the server with these settings and an environment without anything but the log level,
    /// and forwards its output.
    pub(super) fn spawn(
        settings: &[String],
        events: Sender<Event>,
        patience: Duration,
    ) -> io::Result<(Self, ChildStdin)> {
        let program = std::env::current_exe()?;
        let folder = program.parent().unwrap_or_else(|| Path::new("/"));
        let mut command = Command::new(&program);
        command.arg("app-server");
        for setting in settings {
            command.args(["-c", setting]);
        }
        let process = command
            .env_clear()
            // The program's folder has no configuration, so no user's is read.
            .env("CODEX_HOME", folder)
            .env("BYOKEY_HOME", folder)
            .env("NO_PROXY", "127.0.0.1")
            // With a higher log level the log goes to standard error beside the output.
            .envs(std::env::var_os(LEVEL).map(|level| (LEVEL, level)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut child = Self { process, patience };
        let (Some(input), Some(output)) = (child.process.stdin.take(), child.process.stdout.take())
        else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        thread::Builder::new().spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // After the end of the scenario there is no receiver.
                let _ = events.send(Event::Line(line));
            }
            let _ = events.send(Event::End);
        })?;
        Ok((child, input))
    }
}

impl Server for Child {
    fn exit_code(&mut self) -> Option<i32> {
        let deadline = Instant::now() + self.patience;
        loop {
            match self.process.try_wait() {
                Ok(Some(status)) => return status.code(),
                Ok(None) if Instant::now() < deadline => {
                    thread::sleep(Duration::from_millis(2));
                }
                _ => return None,
            }
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
