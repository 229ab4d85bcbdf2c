//! The server as a child process: how it is found, started, written to and ended.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::error::ByokeyError;
use crate::options::{OnLog, SpawnOptions};

/// How long the server may take to end by itself.
const GRACE: Duration = Duration::from_millis(500);

/// How the server ended, once it has.
pub(crate) type Ended = Option<Option<ExitStatus>>;

/// A started server.
pub(crate) struct Started {
    pub(crate) child: Child,
    pub(crate) input: ChildStdin,
    pub(crate) output: ChildStdout,
}

/// Starts the program, and passes on what it logs.
pub(crate) fn start(options: &mut SpawnOptions) -> Result<Started, ByokeyError> {
    let (program, searched) = find(options.command.as_deref());
    let not_found = || ByokeyError::ServerNotFound {
        searched: searched.clone(),
    };
    let mut command = Command::new(program.ok_or_else(not_found)?);
    command.args(&options.args);
    if let Some(environment) = &options.environment {
        command.env_clear().envs(environment.iter().cloned());
    }
    if let Some(folder) = &options.working_directory {
        command.current_dir(folder);
    }
    let on_log = options.on_log.take();
    let log = if on_log.is_some() {
        Stdio::piped()
    } else {
        Stdio::null()
    };
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(|_| not_found())?;
    if let (Some(on_log), Some(log)) = (on_log, child.stderr.take()) {
        tokio::spawn(pass_on(log, on_log));
    }
    let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(not_found());
    };
    Ok(Started {
        child,
        input,
        output,
    })
}

/// The program, and the places where it was looked for.
fn find(command: Option<&OsStr>) -> (Option<OsString>, Vec<String>) {
    if let Some(command) = command {
        return (
            Some(command.to_owned()),
            vec![command.display().to_string()],
        );
    }
    if let Some(given) = std::env::var_os("BYOKEY_BIN").filter(|it| !it.is_empty()) {
        let place = format!("BYOKEY_BIN ({})", given.display());
        return (Some(given), vec![place]);
    }
    let name = format!("byokey{}", std::env::consts::EXE_SUFFIX);
    let beside = std::env::current_exe().unwrap_or_default();
    let beside = beside.with_file_name(&name);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join(&name));
    let found = std::iter::once(beside.clone())
        .chain(on_path)
        .find(|it| is_file(it));
    let searched = vec![
        "BYOKEY_BIN (not set)".to_owned(),
        beside.display().to_string(),
        "PATH".to_owned(),
    ];
    (found.map(PathBuf::into_os_string), searched)
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|it| it.is_file())
}

async fn pass_on(log: impl AsyncRead + Unpin, on_log: OnLog) {
    let (mut lines, mut line) = (BufReader::new(log), Vec::new());
    while lines
        .read_until(b'\n', &mut line)
        .await
        .is_ok_and(|it| it > 0)
    {
        on_log(String::from_utf8_lossy(&line).trim_end().to_owned());
        line.clear();
    }
}

/// Tells that there is nothing more to read: the client was closed or dropped, or the server ended.
#[derive(Clone)]
pub(crate) struct Ending {
    pub(crate) closing: watch::Receiver<bool>,
    pub(crate) ended: watch::Receiver<Ended>,
}

impl Ending {
    pub(crate) async fn wait(&mut self) {
        tokio::select! {
            _ = self.closing.wait_for(|closing| *closing) => {}
            _ = self.ended.wait_for(Option::is_some) => {}
        }
    }
}

/// Writes lines until there is nobody to write to.
pub(crate) async fn write(
    mut input: ChildStdin,
    mut lines: UnboundedReceiver<Vec<u8>>,
    mut ending: Ending,
) {
    let writing = async {
        while let Some(line) = lines.recv().await {
            if input.write_all(&line).await.is_err() {
                // A server that is gone is noticed where its output ends.
                break;
            }
        }
    };
    tokio::select! {
        () = writing => {}
        () = ending.wait() => {}
    }
}

/// Waits for the end of the server, or ends it: with patience when the client is closed, at once
/// when it is dropped. `output_ended` tells, by being dropped, that nobody reads its output.
pub(crate) async fn supervise(
    mut child: Child,
    mut closing: watch::Receiver<bool>,
    mut output_ended: watch::Receiver<()>,
    ended: watch::Sender<Ended>,
) {
    let patient = tokio::select! {
        biased;
        _ = child.wait() => true,
        closing = closing.wait_for(|closing| *closing) => closing.is_ok(),
        _ = output_ended.changed() => true,
    };
    if patient && timeout(GRACE, child.wait()).await.is_err() {
        terminate(&child);
        drop(timeout(GRACE, child.wait()).await);
    }
    drop(child.start_kill());
    let status = child.wait().await.ok();
    // What it wrote last may still be on the way.
    drop(timeout(GRACE, output_ended.changed()).await);
    ended.send_replace(Some(status));
}

#[cfg(unix)]
fn terminate(child: &Child) {
    use rustix::process::{Pid, Signal, kill_process};

    // There is an id as long as nobody waited for its end, so it cannot be another's.
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    if let Some(id) = id.and_then(Pid::from_raw) {
        let _ = kill_process(id, Signal::TERM);
    }
}

#[cfg(not(unix))]
fn terminate(_: &Child) {}
