//! The server as a child process: discovery, start and exit.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use byokey_rpc::{Child, ChildStreams};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::error::ByokeyError;
use crate::launched::{Launched, Tail};
use crate::options::SpawnOptions;

/// How long the server's last output may take.
const GRACE: Duration = Duration::from_millis(500);

/// Of a longer line of a log the rest is dropped, in bytes.
const MOST_LOG_LINE: usize = 1 << 20;

/// The exit status of the server, once it has exited.
pub(crate) type Ended = Option<Option<ExitStatus>>;

/// The program, and where it was searched for.
pub(crate) struct Found {
    pub(crate) program: Option<OsString>,
    pub(crate) searched: Vec<String>,
}

/// What errors say of a program.
pub(crate) struct Program {
    pub(crate) found: Found,
    launched: Launched,
    tail: Arc<Tail>,
}

impl Program {
    /// Returns what was started, and what it wrote last.
    pub(crate) fn launched(&self) -> Box<Launched> {
        Box::new(Launched {
            last_log: self.tail.lines(),
            ..self.launched.clone()
        })
    }
}

/// A program that was started.
pub(crate) struct Started {
    pub(crate) child: Child,
    pub(crate) streams: ChildStreams,
    pub(crate) program: Program,
    /// Ends with the log.
    pub(crate) logging: JoinHandle<()>,
}

/// Starts the program, and forwards its log.
pub(crate) fn start(options: &SpawnOptions) -> Result<Started, ByokeyError> {
    let found = find(options.command.as_deref());
    let Some(program) = &found.program else {
        return Err(ByokeyError::ServerNotFound {
            problem: "was not found".to_owned(),
            searched: found.searched,
            launched: None,
        });
    };
    let launched = Launched::new(program, &options.args);
    let mut command = Command::new(program);
    command.args(&options.args).stderr(Stdio::piped());
    if let Some(environment) = &options.environment {
        command.env_clear().envs(environment.iter().cloned());
    }
    if let Some(folder) = &options.working_directory {
        command.current_dir(folder);
    }
    let (mut child, streams) = match Child::spawn(command) {
        Ok(started) => started,
        Err(error) => {
            return Err(ByokeyError::ServerNotFound {
                problem: problem_of(&error),
                searched: found.searched,
                launched: Some(Box::new(launched)),
            });
        }
    };
    let tail = Arc::new(Tail::default());
    let (log, last, on_log) = (
        child.take_stderr(),
        Arc::clone(&tail),
        options.on_log.clone(),
    );
    let logging = tokio::spawn(async move {
        let Some(log) = log else {
            return;
        };
        read_log(log, |line| {
            last.push(line);
            if let Some(on_log) = &on_log {
                on_log(line.to_owned());
            }
        })
        .await;
    });
    let program = Program {
        found,
        launched,
        tail,
    };
    Ok(Started {
        child,
        streams,
        program,
        logging,
    })
}

fn problem_of(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "was not found".to_owned(),
        io::ErrorKind::PermissionDenied => "may not be executed".to_owned(),
        kind => format!("cannot be started ({kind})"),
    }
}

/// Returns the program, and the searched places.
fn find(command: Option<&OsStr>) -> Found {
    if let Some(command) = command {
        return Found {
            program: Some(command.to_owned()),
            searched: vec![command.display().to_string()],
        };
    }
    if let Some(given) = std::env::var_os("BYOKEY_BIN").filter(|it| !it.is_empty()) {
        let place = format!("BYOKEY_BIN ({})", given.display());
        return Found {
            program: Some(given),
            searched: vec![place],
        };
    }
    let name = format!("byokey{}", std::env::consts::EXE_SUFFIX);
    let beside = std::env::current_exe().unwrap_or_default();
    let beside = beside.with_file_name(&name);
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Another program of this name may lie in a folder that was merely opened.
    let folders = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
    let on_path = folders.map(|folder| folder.join(&name));
    let program = std::iter::once(beside.clone())
        .chain(on_path)
        .find(|it| is_file(it));
    Found {
        program: program.map(PathBuf::into_os_string),
        searched: vec![
            "BYOKEY_BIN (not set)".to_owned(),
            beside.display().to_string(),
            "PATH".to_owned(),
        ],
    }
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|it| it.is_file())
}

/// Passes on each line of a log.
pub(crate) async fn read_log(log: impl AsyncRead + Unpin, mut take: impl FnMut(&str)) {
    let (mut log, mut line) = (BufReader::new(log), Vec::new());
    loop {
        let Ok(chunk) = log.fill_buf().await else {
            return;
        };
        let length = chunk.iter().position(|byte| *byte == b'\n');
        let taken = chunk.get(..length.unwrap_or(chunk.len()));
        let room = MOST_LOG_LINE.saturating_sub(line.len());
        line.extend(taken.unwrap_or_default().iter().take(room));
        let (is_last, consumed) = (
            chunk.is_empty(),
            length.map_or(chunk.len(), |length| length + 1),
        );
        log.consume(consumed);
        if length.is_some() || (is_last && !line.is_empty()) {
            take(String::from_utf8_lossy(&line).trim_end());
            line.clear();
        }
        if is_last {
            return;
        }
    }
}

/// Waits for the server's exit, or ends it: gracefully when the client is closed, at once when it
/// is dropped. Then `end` ends the connection, which drops the sender of `served`.
pub(crate) async fn supervise(
    (mut child, logging): (Child, JoinHandle<()>),
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
    let rest = async { tokio::join!(served.changed(), logging) };
    drop(timeout(GRACE, rest).await);
    end.send_replace(true);
    ended.send_replace(Some(status));
}
