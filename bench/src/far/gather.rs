//! Runs `bench/far.py` as a part of a whole run, and reads what it measured.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::Record;
use crate::candidate::{Candidate, Kind};
use crate::options::Options;
use crate::{Failure, say};

/// The exit code of `bench/far.py` where the system does not allow a far backend.
const NOT_ALLOWED: i32 = 3;

/// What was measured with the far backend.
#[derive(Debug)]
pub(crate) enum Far {
    /// Nothing: it was not asked for.
    NotMeasured,
    /// Nothing, for this reason.
    Unavailable(String),
    /// These records.
    Measured(Vec<Record>),
}

impl Far {
    /// Returns all records.
    pub(crate) fn records(&self) -> &[Record] {
        match self {
            Self::Measured(records) => records,
            Self::NotMeasured | Self::Unavailable(_) => &[],
        }
    }

    /// Returns it as JSON.
    pub(crate) fn json(&self) -> Value {
        match self {
            Self::NotMeasured => Value::Null,
            Self::Unavailable(reason) => json!({"unavailable": reason}),
            Self::Measured(records) => records.iter().map(Record::json).collect(),
        }
    }
}

/// Measures all candidates but the echo process.
pub(crate) fn gather(options: &Options, candidates: &[Candidate]) -> Far {
    measured(options, candidates).unwrap_or_else(|failure| {
        say(&format!("  not measured: {failure}"));
        Far::Unavailable(failure.to_string())
    })
}

fn measured(options: &Options, candidates: &[Candidate]) -> Result<Far, Failure> {
    let folder = tempfile::Builder::new().prefix("byokey-far").tempdir()?;
    let file = folder.path().join("records");
    let delays = if options.quick { "50" } else { "10,50,150" };
    let own = [Some(&options.byokey), options.slim.as_ref()];
    let builds = options.builds.iter().map(|(_, program)| program);
    let output = Command::new("bench/far.py")
        .args(["--delays", delays])
        .arg(std::env::current_exe()?)
        .arg("--json")
        .arg(&file)
        .args(own.into_iter().flatten().chain(builds))
        .args(&options.peers)
        .stderr(Stdio::piped())
        .stdout(Stdio::inherit())
        .spawn()
        .map_err(|error| format!("bench/far.py does not start: {error}"))?
        .wait_with_output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    let errors = errors.trim();
    if output.status.code() == Some(NOT_ALLOWED) {
        let reason = errors.trim_start_matches("bench: no far backend: ");
        say(&format!("  not measured: {reason}"));
        return Ok(Far::Unavailable(reason.to_owned()));
    }
    if !errors.is_empty() {
        say(errors);
    }
    if !output.status.success() {
        return Err(format!("bench/far.py ended with {}", output.status).into());
    }
    let mut records = Vec::new();
    for line in std::fs::read_to_string(&file)?.lines() {
        let record = serde_json::from_str(line)?;
        let record = Record::read(&record).ok_or("bench/far.py wrote another kind of record")?;
        records.push(named(record, candidates)?);
    }
    Ok(Far::Measured(records))
}

/// Names the program as the other tables do. The echo process is the first candidate, and not among
/// the programs of `bench/far.py`.
fn named(record: Record, candidates: &[Candidate]) -> Result<Record, Failure> {
    let candidate = candidates.get(record.program + 1);
    let candidate = candidate.ok_or("a record is of an unknown program")?;
    Ok(Record {
        name: candidate.name.clone(),
        has_goals: candidate.kind == Kind::Own && !candidate.is_slim,
        ..record
    })
}
