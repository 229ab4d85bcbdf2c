//! One run of a command, in the runner: bounded in time and output, in a process group of its own.

use std::io::ErrorKind;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use zeroize::Zeroizing;

use super::list::{Listed, RunFailure};
use super::{group, output};

/// Most that a command may print on standard output, in bytes.
pub(super) const MAX_OUTPUT: usize = 64 * 1024;
/// Most of its standard error that is passed on, in bytes; the rest is dropped.
pub(super) const MAX_ERRORS: usize = 4 * 1024;
/// How long the output is still read after the end of the command: what it started may hold the pipe
/// open.
const DRAIN_TIME: Duration = Duration::from_millis(100);
/// How long a killed command may take to end.
const KILL_TIME: Duration = Duration::from_secs(1);

/// What a run brought.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) failure: Option<RunFailure>,
    /// Its standard output. It never grows beyond its first capacity, so no copy is left behind.
    pub(super) output: Zeroizing<Vec<u8>>,
    /// The beginning of its standard error, without what may be a secret.
    pub(super) errors: String,
}

impl From<RunFailure> for Ran {
    fn from(failure: RunFailure) -> Self {
        Self {
            failure: Some(failure),
            output: Zeroizing::default(),
            errors: String::new(),
        }
    }
}

/// Kills the group of a command that has not ended, when it is dropped.
struct Running(Option<u32>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(leader) = self.0.take() {
            group::kill(leader);
        }
    }
}

/// More was printed than is read.
struct TooLong;

/// Runs a command to its end, its timeout or its limit. Dropping the future kills it.
pub(super) async fn run(listed: &Listed) -> Ran {
    if listed.cwd.as_ref().is_some_and(|cwd| !cwd.is_dir()) {
        return RunFailure::NoFolder.into();
    }
    let mut command = Command::new(&listed.program);
    command
        .args(&listed.args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    if let Some(cwd) = &listed.cwd {
        command.current_dir(cwd);
    }
    group::separate(&mut command);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return not_started(&error).into(),
    };
    let mut running = Running(child.id());
    let mut output = Zeroizing::new(Vec::with_capacity(MAX_OUTPUT + 1));
    let mut errors = Vec::with_capacity(MAX_ERRORS);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let ended = {
        let read = async {
            let within = read_whole(stdout, &mut output);
            let beginning = async {
                read_beginning(stderr, &mut errors).await;
                Ok(())
            };
            tokio::try_join!(within, beginning).map(|_| ())
        };
        let mut read = std::pin::pin!(read);
        let mut is_read = false;
        let end = async {
            loop {
                tokio::select! {
                    within = &mut read, if !is_read => {
                        within?;
                        is_read = true;
                    }
                    status = child.wait() => return Ok(status),
                }
            }
        };
        let timeout = Duration::from_millis(listed.timeout_ms);
        match tokio::time::timeout(timeout, end).await {
            Err(_) => Err(RunFailure::Timeout),
            Ok(Err(TooLong)) => Err(RunFailure::TooLong),
            Ok(Ok(status)) => {
                // What it left running may go on, like an agent that keeps a password.
                running.0 = None;
                let rest = (!is_read).then_some(read);
                let rest = async {
                    match rest {
                        Some(rest) => rest.await,
                        None => Ok(()),
                    }
                };
                match tokio::time::timeout(DRAIN_TIME, rest).await {
                    Ok(Err(TooLong)) => Err(RunFailure::TooLong),
                    Ok(Ok(())) | Err(_) => succeeded(status),
                }
            }
        }
    };
    let is_over = running.0.is_none();
    drop(running);
    if !is_over {
        let _ = tokio::time::timeout(KILL_TIME, child.wait()).await;
    }
    // Redacted here: a failed command may have printed its token, too, which stays in this process.
    let errors = output::whole_words(&errors, MAX_ERRORS);
    let mut errors = output::for_log(errors, &output);
    let end = errors.floor_char_boundary(MAX_ERRORS);
    errors.truncate(end);
    if ended.is_err() {
        output = Zeroizing::default();
    }
    Ran {
        failure: ended.err(),
        output,
        errors,
    }
}

fn succeeded(status: std::io::Result<ExitStatus>) -> Result<(), RunFailure> {
    let status = status.map_err(|error| not_started(&error))?;
    match (status.code(), group::signal(status)) {
        (Some(0), _) => Ok(()),
        (Some(code), _) => Err(RunFailure::Exit(code)),
        (None, signal) => Err(RunFailure::Signal(signal.unwrap_or_default())),
    }
}

fn not_started(error: &std::io::Error) -> RunFailure {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => RunFailure::NotFound,
        ErrorKind::PermissionDenied => RunFailure::NotExecutable,
        _ => RunFailure::NotStarted(error.raw_os_error().unwrap_or_default()),
    }
}

/// Reads to the end, if that comes within the limit.
async fn read_whole(
    from: Option<impl AsyncRead + Unpin>,
    output: &mut Vec<u8>,
) -> Result<(), TooLong> {
    let Some(mut from) = from else { return Ok(()) };
    loop {
        let room = (MAX_OUTPUT + 1).saturating_sub(output.len());
        let limited = (&mut from).take(room as u64).read_buf(output).await;
        if output.len() > MAX_OUTPUT {
            return Err(TooLong);
        }
        if !matches!(limited, Ok(1..)) {
            return Ok(());
        }
    }
}

/// Reads to the end and keeps the beginning, so that the writer never waits.
async fn read_beginning(from: Option<impl AsyncRead + Unpin>, errors: &mut Vec<u8>) {
    let Some(mut from) = from else { return };
    let mut chunk = [0; 1024];
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        let room = MAX_ERRORS.saturating_sub(errors.len());
        errors.extend_from_slice(&chunk[..count.min(room)]);
    }
}
