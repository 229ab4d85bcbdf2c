//! The server as a child process: discovery, start and exit.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use byokey_rpc::{Child, ChildStreams};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::error::ByokeyError;
use crate::options::{OnLog, SpawnOptions};

/// How long the server's last output may take.
const GRACE: Duration = Duration::from_millis(500);

/// The exit status of the server, once it has exited.
pub(crate) type Ended = Option<Option<ExitStatus>>;

/// Starts the program, and forwards its log.
pub(crate) fn start(options: &mut SpawnOptions) -> Result<(Child, ChildStreams), ByokeyError> {
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
    command.stderr(log);
    let (mut child, streams) = Child::spawn(command).map_err(|_| not_found())?;
    if let (Some(on_log), Some(log)) = (on_log, child.take_stderr()) {
        tokio::spawn(pass_on(log, on_log));
    }
    Ok((child, streams))
}

/// Returns the program, and the searched places.
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

/// Waits for the server's exit, or ends it: gracefully when the client is closed, at once when it
/// is dropped. Then `end` ends the connection, which drops the sender of `served`.
pub(crate) async fn supervise(
    mut child: Child,
    mut closing: watch::Receiver<bool>,
    end: watch::Sender<bool>,
    mut served: watch::Receiver<()>,
    ended: watch::Sender<Ended>,
) {
    let patient = tokio::select! {
        biased;
        _ = child.wait() => true,
        closing = closing.wait_for(|closing| *closing) => {
            // The connection closes the server's input.
            end.send_replace(true);
            closing.is_ok()
        }
        _ = served.changed() => true,
    };
    let status = if patient {
        child.end().await
    } else {
        child.kill().await
    };
    // Its last output may still arrive.
    drop(timeout(GRACE, served.changed()).await);
    end.send_replace(true);
    ended.send_replace(Some(status));
}
