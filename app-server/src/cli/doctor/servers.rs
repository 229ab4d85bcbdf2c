//! The socket of the server, and other servers of this user.

use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use byokey_rpc::{SocketError, SocketPath, examine_socket};

use super::finding::{Finding, word};
use crate::cli::listen;

/// The ports of the login in the browser.
const LOGIN_PORTS: [u16; 2] = [1455, 1457];
/// How long a connection within this machine may take.
const PATIENCE: Duration = Duration::from_millis(300);
/// Most processes that are listed.
const MAX_LISTED: usize = 8;

/// What is known of sockets and servers.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// The default socket, and what a server would find there.
    socket: Option<(PathBuf, Result<SocketPath, SocketError>)>,
    /// Other processes that run `byokey app-server`.
    others: Vec<u32>,
    /// The ports of the login on which something listens.
    taken: Vec<u16>,
}

impl Facts {
    pub(super) fn gather(byokey_home: Option<&Path>) -> Self {
        let path = byokey_home.map(listen::default_socket);
        let is_taken = |port: &u16| {
            let address = (Ipv4Addr::LOCALHOST, *port).into();
            TcpStream::connect_timeout(&address, PATIENCE).is_ok()
        };
        Self {
            socket: path.map(|path| {
                let found = examine_socket(&path);
                (path, found)
            }),
            others: others(),
            taken: LOGIN_PORTS.into_iter().filter(is_taken).collect(),
        }
    }
}

/// Returns the ids of other processes that run this program's server.
#[cfg(target_os = "linux")]
fn others() -> Vec<u32> {
    let own = std::process::id();
    let this = std::env::current_exe().ok();
    let this = this.as_deref().and_then(Path::file_name);
    let this = this.map_or(&b"byokey"[..], std::ffi::OsStr::as_encoded_bytes);
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_server = |id: &u32| {
        let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let mut words = line.split(|byte| *byte == 0);
        let program = words.next().unwrap_or_default();
        let name = program.rsplit(|byte| *byte == b'/').next();
        name.is_some_and(|name| name == this || name == b"byokey")
            && words.any(|word| word == b"app-server")
    };
    ids.filter(|id| *id != own).filter(is_server).collect()
}

#[cfg(not(target_os = "linux"))]
const fn others() -> Vec<u32> {
    Vec::new()
}

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some((path, found)) = &facts.socket {
        findings.push(socket(path, found));
    }
    findings.push(match facts.others.as_slice() {
        [] => Finding::ok("server.others", "no other `byokey app-server` was found"),
        ids => {
            let shown = ids.iter().take(MAX_LISTED).map(u32::to_string);
            let shown = shown.collect::<Vec<_>>().join(", ");
            Finding::ok(
                "server.others",
                format!(
                    "{} other `byokey app-server` run, such as {shown}",
                    ids.len()
                ),
            )
        }
    });
    if facts.taken.is_empty() {
        let text = "the ports of a login in the browser, 1455 and 1457, are free";
        findings.push(Finding::ok("server.loginPort", text));
    } else {
        let ports: Vec<_> = facts.taken.iter().map(u16::to_string).collect();
        let text = format!(
            "something listens on port {} of a login in the browser; another login may be under \
             way. `byokey login --device-auth` needs no port",
            ports.join(" and ")
        );
        let mend = format!("ss -ltnp 'sport = :{}'", ports.join(" or sport = :"));
        findings.push(Finding::warning("server.loginPort", text).mend(mend));
    }
    findings
}

fn socket(path: &Path, found: &Result<SocketPath, SocketError>) -> Finding {
    let shown = path.display();
    let id = "server.socket";
    match found {
        Ok(SocketPath::Free) => Finding::ok(id, format!("no server listens on {shown}")),
        Ok(SocketPath::Stale) => Finding::ok(
            id,
            format!("a server that was killed left {shown}; the next one replaces it"),
        ),
        Err(SocketError::InUse(_)) => Finding::ok(
            id,
            format!("a server listens on {shown}: clients can connect"),
        ),
        Err(SocketError::Unsupported) => Finding::ok(id, "this system has no Unix sockets here"),
        Err(problem @ SocketError::Folder(_)) => {
            let folder = word(path.parent().unwrap_or(path));
            Finding::warning(id, problem.to_string()).mend(format!("chmod 700 {folder}"))
        }
        Err(problem) => Finding::warning(id, problem.to_string())
            .mend("byokey app-server --listen unix:///tmp/\"byokey-$(id -u)\"/app-server.sock"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use byokey_rpc::{SocketError, SocketPath};

    use super::super::finding::Level;
    use super::{Facts, check, socket};

    #[test]
    fn what_keeps_a_server_from_listening_is_a_warning() {
        let path = Path::new("/b/run/app-server.sock");
        for (found, level) in [
            (Ok(SocketPath::Free), Level::Ok),
            (Ok(SocketPath::Stale), Level::Ok),
            (Err(SocketError::InUse(path.to_owned())), Level::Ok),
            (
                Err(SocketError::NotASocket(path.to_owned(), "a link")),
                Level::Warning,
            ),
            (Err(SocketError::TooLong(path.to_owned())), Level::Warning),
        ] {
            let finding = socket(path, &found);
            assert_eq!(finding.level, level, "{found:?}");
            assert_eq!(finding.mend.is_some(), level == Level::Warning);
        }
    }

    #[test]
    fn a_taken_port_leads_to_the_program_that_holds_it() {
        let facts = Facts {
            taken: vec![1455, 1457],
            others: vec![7],
            ..Facts::default()
        };
        let findings = check(&facts);
        assert!(findings[0].text.contains("such as 7"));
        let mend = findings[1].mend.as_deref();
        assert_eq!(mend, Some("ss -ltnp 'sport = :1455 or sport = :1457'"));
    }
}
