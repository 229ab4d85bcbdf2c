//! Process statistics of Linux.

use crate::Failure;

/// Statistics of a process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Status {
    /// Resident memory, in bytes.
    pub(crate) resident: f64,
    /// What of it belongs to no file, in bytes: not code, and not shared.
    pub(crate) anonymous: f64,
    /// Threads.
    pub(crate) threads: f64,
    /// Processor time used by all threads, in seconds.
    pub(crate) cpu: f64,
    /// Voluntary context switches of its threads.
    pub(crate) sleeps: f64,
}

impl Status {
    /// Reads the statistics of a running process.
    pub(crate) fn of(pid: u32) -> Result<Self, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let (mut cpu, mut sleeps) = (0.0, 0.0);
        for thread in std::fs::read_dir(format!("/proc/{pid}/task"))? {
            let thread = thread?.path();
            let times = std::fs::read_to_string(thread.join("schedstat"))?;
            let nanoseconds = times.split_whitespace().next().unwrap_or_default();
            cpu += nanoseconds.parse::<f64>()? / 1e9;
            sleeps += field(
                &std::fs::read_to_string(thread.join("status"))?,
                "voluntary_ctxt_switches",
            )?;
        }
        Ok(Self {
            resident: field(&status, "VmRSS")? * 1024.0,
            anonymous: field(&status, "RssAnon")? * 1024.0,
            threads: field(&status, "Threads")?,
            cpu,
            sleeps,
        })
    }
}

/// Returns the minor page faults of a process.
pub(crate) fn page_faults(pid: u32) -> Result<f64, Failure> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The program's name is in brackets, and may contain spaces.
    let fields = stat.rsplit_once(')').map(|(_, fields)| fields);
    let minor = fields.and_then(|fields| fields.split_whitespace().nth(7));
    Ok(minor
        .ok_or("the status of a process lacks a field")?
        .parse()?)
}

fn field(status: &str, name: &str) -> Result<f64, Failure> {
    let value = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .and_then(|rest| rest.split_whitespace().next())
        .ok_or("the status of a process lacks a field")?;
    Ok(value.parse()?)
}
