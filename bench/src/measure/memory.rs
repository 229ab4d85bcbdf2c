//! Memory, threads and idleness.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::login::QUIET;
use super::pipeline::number;
use super::{Figures, Scale};
use crate::Failure;
use crate::candidate::{Candidate, Kind};
use crate::host::{Host, INITIALIZE};
use crate::proc::Status;
use crate::process::Process;
use crate::site::Site;

/// Logins and turns before memory is measured.
const MANY: usize = 1_000;
/// Concurrent connections.
const CONNECTIONS: u32 = 32;
/// More than any measurement opens.
const MOST_CONNECTIONS: &str = "300";
/// How long a program has to start and to become idle.
const REST: Duration = Duration::from_secs(2);
/// How long its idleness is observed.
const IDLE: Duration = Duration::from_secs(10);

pub(super) fn after_start(candidate: &Candidate, _: Scale) -> Result<Figures, Failure> {
    let site = Site::new()?;
    let host = Host::start(candidate, &site)?;
    sleep(QUIET);
    let status = Status::of(host.process.pid())?;
    Ok(vec![
        ("memory", status.resident),
        ("memory-anonymous", status.anonymous),
        ("threads", status.threads),
    ])
}

pub(super) fn after_logins(candidate: &Candidate, scale: Scale) -> Result<Figures, Failure> {
    let site = Site::new()?;
    let mut host = Host::start(candidate, &site)?;
    let many = scale.of(MANY, candidate);
    let mut early = None;
    for number in 0..many {
        if number == many / 10 {
            early = Some(Status::of(host.process.pid())?);
        }
        host.login(number)?;
        host.notification("account/updated")?;
    }
    let late = Status::of(host.process.pid())?;
    let mut figures = vec![
        ("memory-logins", late.resident),
        ("threads-logins", late.threads),
    ];
    figures.extend(early.map(|early| ("memory-growth", late.resident - early.resident)));
    Ok(figures)
}

pub(super) fn after_turns(candidate: &Candidate, scale: Scale) -> Result<Figures, Failure> {
    let site = Site::new()?;
    let mut host = Host::start(candidate, &site)?;
    host.login(0)?;
    for turn in 0..scale.of(MANY, candidate) {
        // A thread repeats its whole conversation, so each turn has its own.
        let thread = host.thread()?;
        host.turn(&thread)
            .map_err(|failure| format!("turn {turn}: {failure}"))?;
    }
    let status = Status::of(host.process.pid())?;
    Ok(vec![
        ("memory-turns", status.resident),
        ("threads-turns", status.threads),
    ])
}

/// All turns in one thread. Its text is not counted: what the inputs and the answers take.
pub(super) fn after_conversation(candidate: &Candidate, scale: Scale) -> Result<Figures, Failure> {
    let site = Site::new()?;
    let mut host = Host::start(candidate, &site)?;
    sleep(QUIET);
    let before = Status::of(host.process.pid())?;
    host.login(0)?;
    let thread = host.thread()?;
    let input = "A line of a conversation. ".repeat(20);
    let mut text = 0;
    for turn in 0..scale.of(MANY, candidate) {
        let answer = host
            .turn_with(&thread, &input)
            .map_err(|failure| format!("turn {turn}: {failure}"))?;
        text += input.len() + answer;
    }
    let after = Status::of(host.process.pid())?;
    let text = number(text);
    Ok(vec![
        (
            "memory-conversation",
            after.resident - before.resident - text,
        ),
        (
            "memory-conversation-anonymous",
            after.anonymous - before.anonymous - text,
        ),
    ])
}

pub(super) fn of_connections(candidate: &Candidate, _: Scale) -> Result<Figures, Failure> {
    if !matches!(candidate.kind, Kind::Own | Kind::Build) {
        return Ok(Vec::new());
    }
    let site = Site::new()?;
    let listener = Listener::start(candidate, &site)?;
    let mut connections = vec![listener.connect()?];
    let before = listener.status()?;
    for _ in 0..CONNECTIONS {
        connections.push(listener.connect()?);
    }
    let after = listener.status()?;
    let each = (after.resident - before.resident) / f64::from(CONNECTIONS);
    Ok(vec![
        ("memory-connection", each),
        ("memory-connections", after.resident),
        ("threads-connections", after.threads),
    ])
}

pub(super) fn idle(candidate: &Candidate, _: Scale) -> Result<Figures, Failure> {
    let site = Site::new()?;
    let host = Host::start(candidate, &site)?;
    sleep(REST);
    let before = Status::of(host.process.pid())?;
    sleep(IDLE);
    let after = Status::of(host.process.pid())?;
    Ok(vec![
        ("idle-cpu", after.cpu - before.cpu),
        ("idle-wakeups", after.sleeps - before.sleeps),
    ])
}

/// A server on a socket.
pub(crate) struct Listener {
    process: Process,
    path: std::path::PathBuf,
}

impl Listener {
    /// Starts a server on a socket.
    pub(crate) fn start(candidate: &Candidate, site: &Site) -> Result<Self, Failure> {
        let path = site.home.path().join("socket");
        let url = format!("unix://{}", path.display());
        let arguments = ["--listen", &url, "--max-connections", MOST_CONNECTIONS];
        let process = Process::start(candidate, site.home.path(), &arguments)?.watched();
        Ok(Self { process, path })
    }

    /// Opens a connection and runs the handshake. The first one waits for the socket.
    pub(crate) fn connect(&self) -> Result<BufReader<UnixStream>, Failure> {
        let begin = Instant::now();
        let mut stream = loop {
            match UnixStream::connect(&self.path) {
                Ok(stream) => break stream,
                Err(_) if begin.elapsed() < REST => sleep(Duration::from_millis(5)),
                Err(error) => {
                    return Err(format!("--listen unix:// gives no socket: {error}").into());
                }
            }
        };
        stream.set_read_timeout(Some(REST))?;
        stream.write_all(INITIALIZE)?;
        let mut stream = BufReader::new(stream);
        stream.read_line(&mut String::new())?;
        Ok(stream)
    }

    /// Returns statistics of the process.
    pub(crate) fn status(&self) -> Result<Status, Failure> {
        Status::of(self.process.pid())
    }
}
