//! One run at one delay: the order in which the programs take their steps.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::steps::Subject;
use super::{GOAL_DELAY, Record};
use crate::candidate::{Candidate, Kind};
use crate::{Failure, report, say};

const USAGE: &str = "far URL FILE MILLISECONDS [--json FILE] PROGRAM...";

/// How often the programs are left idle, which takes half a minute each time.
const IDLENESSES: usize = 3;

/// Measures: `URL FILE MILLISECONDS [--json FILE] PROGRAM...`, where a program with a blank in it
/// is another app-server's command line. The first file has the certificate of the backend; to the
/// second a record is appended for each program and protocol, a line each.
pub(crate) fn run(arguments: impl Iterator<Item = String>) -> Result<(), Failure> {
    let mut arguments = arguments.peekable();
    let mut next = || arguments.next().ok_or(USAGE);
    let (url, certificate, delay) = (next()?, next()?, next()?.parse::<u32>()?);
    let json = if arguments.next_if_eq("--json").is_some() {
        Some(PathBuf::from(arguments.next().ok_or(USAGE)?))
    } else {
        None
    };
    let trip = round_trip(&url)?;
    say(&format!(
        "\nA backend {delay} ms away (TCP connects in {:.1} ms), in round trips:",
        trip * 1e3
    ));
    // At the other delays the figures only confirm those at this one.
    let repeated = if delay == GOAL_DELAY { 5 } else { 3 };
    let mut subjects = Vec::new();
    for (program, command) in arguments.enumerate() {
        let candidate = candidate(&command)?.with_variable("CODEX_CA_CERTIFICATE", &certificate);
        for url in [url.clone(), other_port(&url)?] {
            let record = Record {
                delay,
                trip,
                program,
                name: candidate.name.clone(),
                protocol: String::new(),
                values: std::collections::BTreeMap::new(),
                failures: Vec::new(),
                has_goals: false,
            };
            let mut subject = Subject::new(&candidate, url, &certificate, record)?;
            subject.warm(repeated);
            // The other port would be the same again, or take time that shows little.
            let is_enough = subject.record.protocol == "HTTP/1.1"
                || (candidate.kind == Kind::Peer && delay != GOAL_DELAY);
            subjects.push(subject);
            if is_enough {
                break;
            }
        }
    }
    // All are idle at the same time.
    for _ in 0..IDLENESSES {
        subjects.iter_mut().for_each(Subject::begin_idleness);
        subjects.iter_mut().for_each(Subject::end_idleness);
    }
    subjects.iter_mut().for_each(Subject::anew);
    let records: Vec<_> = subjects.into_iter().map(|subject| subject.record).collect();
    say(&report::far_table(&records));
    if let Some(json) = json {
        append(&json, &records)?;
    }
    Ok(())
}

fn candidate(command: &str) -> Result<Candidate, Failure> {
    if command.contains(' ') {
        return Candidate::peer(command);
    }
    let program = Path::new(command);
    let name = program.file_name().unwrap_or_default();
    Candidate::own(&name.to_string_lossy(), program)
}

/// The URL of the backend that speaks only HTTP/1.1: one port further.
fn other_port(url: &str) -> Result<String, Failure> {
    let (rest, port) = url.rsplit_once(':').ok_or("the URL has no port")?;
    Ok(format!("{rest}:{}", port.parse::<u16>()? + 1))
}

/// Returns the time of a round trip, in seconds: what it takes to connect.
fn round_trip(url: &str) -> Result<f64, Failure> {
    let address = url.trim_start_matches("https://");
    let mut least = f64::INFINITY;
    for _ in 0..9 {
        let begin = Instant::now();
        drop(TcpStream::connect(address)?);
        // What else the machine does only makes it longer.
        least = least.min(begin.elapsed().as_secs_f64());
    }
    Ok(least)
}

fn append(file: &Path, records: &[Record]) -> Result<(), Failure> {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.create(true).append(true).open(file)?;
    for record in records {
        writeln!(file, "{}", record.json())?;
    }
    Ok(())
}
