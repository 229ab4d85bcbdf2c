//! A child process, and its standard input and output.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// How long a program may take to exit by itself, and again after SIGTERM.
const GRACE: Duration = Duration::from_millis(500);

/// A spawned program. It is killed when this is dropped.
#[derive(Debug)]
pub struct Child(tokio::process::Child);

/// The streams to read from a child and to write to it.
pub type ChildStreams = (ChildStdout, ChildStdin);

impl Child {
    /// Spawns a program, with pipes for its standard input and output.
    ///
    /// # Errors
    ///
    /// When the system cannot start it.
    pub fn spawn(mut command: Command) -> io::Result<(Self, ChildStreams)> {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn()?;
        match (child.stdout.take(), child.stdin.take()) {
            (Some(output), Some(input)) => Ok((Self(child), (output, input))),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Returns its process id, unless its exit was awaited.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.0.id()
    }

    /// Takes its standard error, if the command has a pipe for it.
    pub const fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.0.stderr.take()
    }

    /// Waits for its exit.
    ///
    /// # Errors
    ///
    /// When the system does not report its status.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.0.wait().await
    }

    /// Waits for its exit, then terminates it: SIGTERM after half a second, SIGKILL after one.
    /// Close its input before.
    pub async fn end(&mut self) -> Option<ExitStatus> {
        if timeout(GRACE, self.0.wait()).await.is_err() {
            self.terminate();
            drop(timeout(GRACE, self.0.wait()).await);
        }
        self.kill().await
    }

    /// Kills it, unless it has exited.
    pub async fn kill(&mut self) -> Option<ExitStatus> {
        drop(self.0.start_kill());
        self.0.wait().await.ok()
    }

    #[cfg(unix)]
    fn terminate(&self) {
        use rustix::process::{Pid, Signal, kill_process};

        // The id exists until the exit is awaited, so it cannot belong to another process.
        let id = self.0.id().and_then(|id| i32::try_from(id).ok());
        if let Some(id) = id.and_then(Pid::from_raw) {
            let _ = kill_process(id, Signal::TERM);
        }
    }

    #[cfg(not(unix))]
    const fn terminate(&self) {}
}
