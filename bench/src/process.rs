//! A spawned program: raw, blocking pipes, with a deadline kept by another thread, so that the
//! driver adds no delay to a byte.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};

use crate::Failure;
use crate::candidate::Candidate;

/// Deadline of one program; then it is killed, and reading from it ends.
const DEADLINE: Duration = Duration::from_secs(300);
/// Most bytes per read.
const CHUNK: usize = 256 * 1024;

/// A spawned program. It is killed by its id on drop.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: ChildStdout,
    buffer: Vec<u8>,
    read: usize,
    filled: usize,
    watchdog: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Process {
    /// Starts a candidate in this folder.
    pub(crate) fn start(
        candidate: &Candidate,
        home: &Path,
        arguments: &[&str],
    ) -> Result<Self, Failure> {
        let mut command = candidate.command(home);
        command.args(arguments);
        Self::spawn(command, Stdio::piped())
    }

    /// Starts a candidate with this connection as its input.
    pub(crate) fn reading_from(
        candidate: &Candidate,
        home: &Path,
        connection: TcpStream,
    ) -> Result<Self, Failure> {
        let input = Stdio::from(OwnedFd::from(connection));
        Self::spawn(candidate.command(home), input)
    }

    fn spawn(mut command: Command, input: Stdio) -> Result<Self, Failure> {
        let mut child = command
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self {
            input: child.stdin.take(),
            output: child.stdout.take().ok_or("a pipe is missing")?,
            child,
            buffer: Vec::new(),
            read: 0,
            filled: 0,
            watchdog: None,
        })
    }

    /// Adds the deadline. Not part of the start, which is measured.
    pub(crate) fn watched(mut self) -> Self {
        let (done, ended) = channel();
        let pid = self.pid();
        let thread = std::thread::spawn(move || {
            if ended.recv_timeout(DEADLINE) == Err(RecvTimeoutError::Timeout)
                && let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw)
            {
                // The exit is awaited only after this thread, so the id is still its own.
                let _ = kill_process(pid, Signal::KILL);
            }
        });
        self.watchdog = Some((done, thread));
        self
    }

    /// Returns its id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes these bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let input = self.input.as_mut().ok_or("the input is closed")?;
        Ok(input.write_all(bytes)?)
    }

    /// Takes its input, for another thread to write to.
    pub(crate) fn take_input(&mut self) -> Result<ChildStdin, Failure> {
        self.input
            .take()
            .ok_or_else(|| "the input is closed".into())
    }

    /// Returns its input.
    pub(crate) fn give_input(&mut self, input: ChildStdin) {
        self.input = Some(input);
    }

    /// Closes its input and waits for its exit.
    pub(crate) fn end(&mut self) -> Result<(), Failure> {
        self.input = None;
        while self.line().is_ok() {}
        let status = self.child.wait()?;
        if status.success() {
            return Ok(());
        }
        Err(format!("the program ended with {status}").into())
    }

    /// Waits for the next line, and returns it without its end.
    pub(crate) fn line(&mut self) -> Result<&[u8], Failure> {
        let mut searched = self.read;
        loop {
            let unread = self.buffer.get(searched..self.filled).unwrap_or_default();
            if let Some(at) = memchr::memchr(b'\n', unread) {
                let line = self.read..searched + at;
                self.read = searched + at + 1;
                return Ok(self.buffer.get(line).unwrap_or_default());
            }
            searched = self.filled - self.read;
            self.buffer.copy_within(self.read..self.filled, 0);
            self.filled = searched;
            self.read = 0;
            if self.buffer.len() < self.filled + CHUNK {
                self.buffer.resize(self.filled + CHUNK, 0);
            }
            let space = self.buffer.get_mut(self.filled..).unwrap_or_default();
            match self.output.read(space)? {
                0 => return Err("the program closed its output".into()),
                count => self.filled += count,
            }
        }
    }

    /// Returns whether output is available within this time.
    pub(crate) fn has_output(&self, within: Duration) -> Result<bool, Failure> {
        if self.read < self.filled {
            return Ok(true);
        }
        let mut ready = [PollFd::new(&self.output, PollFlags::IN)];
        Ok(poll(&mut ready, Some(&Timespec::try_from(within)?))? > 0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some((done, thread)) = self.watchdog.take() {
            drop(done);
            drop(thread.join());
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
