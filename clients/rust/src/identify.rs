//! Checks whether a program that ended early is byokey at all: there are others of this name.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use crate::error::ByokeyError;
use crate::process::Found;
use crate::redact::redact;

/// How long a program may take to print its version.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Longest line of a version that is read, in bytes.
const MOST_VERSION: u64 = 65_536;

/// Exit codes of programs that do not understand their arguments.
const USAGE_STATUSES: [i32; 3] = [1, 2, 64];

/// What such programs write.
const NOT_UNDERSTOOD: [&str; 6] = [
    "unrecogni",
    "unknown",
    "invalid",
    "unexpected",
    "usage",
    "no such",
];

/// Returns a better error for a program that ended before it answered, if it is another one.
pub(crate) async fn explain_end(error: ByokeyError, found: &Found) -> ByokeyError {
    let ByokeyError::ConnectionClosed { status, launched } = error else {
        return error;
    };
    let other = match &launched {
        Some(launched) if is_usage_error(status, &launched.last_log) => name(found).await,
        _ => None,
    };
    match other {
        Some(problem) => ByokeyError::ServerNotFound {
            problem,
            searched: found.searched.clone(),
            launched,
        },
        None => ByokeyError::ConnectionClosed { status, launched },
    }
}

fn is_usage_error(status: Option<ExitStatus>, log: &[String]) -> bool {
    let code = status.and_then(|status| status.code());
    let complains = |line: &String| {
        let line = line.to_ascii_lowercase();
        NOT_UNDERSTOOD.iter().any(|text| line.contains(text))
    };
    code.is_some_and(|code| USAGE_STATUSES.contains(&code)) && log.iter().any(complains)
}

/// Returns what the program is, unless it is ours or does not say.
async fn name(found: &Found) -> Option<String> {
    let version = timeout(TIMEOUT, version_of(found)).await.ok()??;
    let is_ours = version.contains("(byokey ") || version.starts_with("codex");
    (!is_ours).then(|| match version.as_str() {
        "" => "is another program".to_owned(),
        version => format!(
            "is another program, which calls itself \"{}\"",
            redact(version)
        ),
    })
}

/// Returns the first line of a program's version output.
async fn version_of(found: &Found) -> Option<String> {
    let mut child = Command::new(found.program.as_ref()?)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .ok()?;
    let mut line = Vec::new();
    let output = child.stdout.take()?.take(MOST_VERSION);
    BufReader::new(output)
        .read_until(b'\n', &mut line)
        .await
        .ok()?;
    Some(String::from_utf8_lossy(&line).trim().to_owned())
}
