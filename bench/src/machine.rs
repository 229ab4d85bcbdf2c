//! Place and time of a run.

use std::process::Command;

use crate::candidate::{Candidate, Kind};
use crate::options::Options;

/// Returns facts about the run and its machine.
pub(crate) fn facts(candidates: &[Candidate], options: &Options) -> Vec<(String, String)> {
    let processor = first_field("/proc/cpuinfo", "model name");
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = first_field("/proc/meminfo", "MemTotal");
    let mut facts: Vec<_> = [
        ("date", said("date", &["-u", "+%Y-%m-%d %H:%M UTC"])),
        ("processor", format!("{processor}, {processors} of them")),
        ("memory", memory),
        ("system", said("uname", &["-srm"])),
        ("compiler", said("rustc", &["--version"])),
        ("commit", commit()),
        ("load before the run", load()),
        ("rounds", options.rounds.to_string()),
    ]
    .map(|(name, fact)| (name.to_owned(), fact))
    .into();
    if options.quick {
        facts.push(("repetitions".to_owned(), "cut to a twentieth".to_owned()));
    }
    for candidate in candidates {
        let role = match candidate.kind {
            Kind::Echo => "echo process",
            Kind::Own => "this server",
            Kind::Build => "another build of it",
            Kind::Peer => "peer",
        };
        let name = format!("{role}: {}", candidate.name);
        facts.push((name, candidate.version()));
    }
    facts
}

/// Returns the load of the processors: a quiet machine has less than it has processors.
pub(crate) fn load() -> String {
    let load = read("/proc/loadavg");
    let mut averages = load.split_whitespace();
    averages.next().unwrap_or_default().to_owned()
}

/// Returns the commit, and whether the tree differs from it.
fn commit() -> String {
    let commit = said("git", &["rev-parse", "--short=12", "HEAD"]);
    let changed = said("git", &["status", "--porcelain", "--untracked-files=no"]);
    if changed.is_empty() {
        commit
    } else {
        format!("{commit}, with changes that are not in it")
    }
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).trim().to_owned()
}

fn first_field(file: &str, name: &str) -> String {
    let text = read(file);
    let line = text.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.split_once(':'));
    value
        .map_or("unknown", |(_, value)| value.trim())
        .to_owned()
}

fn read(file: &str) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}
