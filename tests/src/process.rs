//! Process statistics of Linux, for tests of memory, time and idleness.

use std::ops::Range;
use std::time::Duration;

use crate::memory::readable_range;

/// Statistics of a process.
#[derive(Clone, Copy, Debug)]
pub struct ProcessStatus {
    /// Resident memory, in KiB.
    pub resident: u64,
    /// Its peak, in KiB.
    pub resident_peak: u64,
    /// Resident anonymous memory, in KiB.
    pub anonymous: u64,
    /// Locked memory (mlock), in KiB.
    pub locked: u64,
    /// Threads.
    pub threads: u64,
    /// Voluntary context switches of its threads.
    pub sleeps: u64,
    /// Processor time, in clock ticks (a hundredth of a second).
    pub ticks: u64,
}

impl ProcessStatus {
    /// Reads the statistics of a running process.
    ///
    /// # Panics
    ///
    /// When it does not exist.
    #[must_use]
    pub fn of(pid: u32) -> Self {
        let status = read(pid, "status");
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("the process runs");
        let sleeps = tasks
            .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("status")).ok())
            .map(|status| field(&status, "voluntary_ctxt_switches"))
            .sum();
        let stat = read(pid, "stat");
        // The name may contain any character, but ends with the last bracket.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let time = |at| fields.split_whitespace().nth(at).map_or(0, number);
        Self {
            resident: field(&status, "VmRSS"),
            resident_peak: field(&status, "VmHWM"),
            anonymous: field(&status, "RssAnon"),
            locked: field(&status, "VmLck"),
            threads: field(&status, "Threads"),
            sleeps,
            ticks: time(11) + time(12),
        }
    }

    /// Returns how many descriptors a process has open.
    ///
    /// # Panics
    ///
    /// When there is none of that id, or we may not look.
    #[must_use]
    pub fn descriptors(pid: u32) -> usize {
        let open = std::fs::read_dir(format!("/proc/{pid}/fd"));
        open.expect("the process runs").count()
    }

    /// Returns the range of the initial environment of a process.
    ///
    /// # Panics
    ///
    /// When it does not exist, or we may not look.
    #[must_use]
    pub fn environment(pid: u32) -> Range<u64> {
        let stat = read(pid, "stat");
        let fields = stat.rsplit(')').next().unwrap_or_default();
        // Counted from the third field, its beginning and end are the fiftieth and the next.
        let mut places = fields.split_whitespace().skip(47).map(number);
        let mut place = || places.next().expect("a place");
        place()..place()
    }

    /// Returns whether the memory at an address of a process is locked (mlock).
    ///
    /// # Panics
    ///
    /// When it does not exist, or we may not look, or nothing is at that address.
    #[must_use]
    pub fn is_locked(pid: u32, address: u64) -> bool {
        let maps = read(pid, "smaps");
        let of_address = maps.lines().skip_while(|line| {
            !readable_range(line).is_some_and(|(start, end)| (start..end).contains(&address))
        });
        let flags = of_address
            .into_iter()
            .find_map(|line| line.strip_prefix("VmFlags:"));
        flags
            .expect("memory")
            .split_whitespace()
            .any(|flag| flag == "lo")
    }

    /// Returns the processor time.
    #[must_use]
    pub const fn processor_time(&self) -> Duration {
        Duration::from_millis(self.ticks * 10)
    }
}

fn read(pid: u32, file: &str) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/{file}")).expect("the process runs")
}

fn field(status: &str, name: &str) -> u64 {
    let line = status
        .lines()
        .find(|line| line.starts_with(&format!("{name}:")))
        .unwrap_or_default();
    line.split_whitespace().nth(1).map_or(0, number)
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_default()
}
