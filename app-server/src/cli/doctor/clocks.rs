//! This machine's clocks: the time of day is plausible, and both clocks agree about how long this
//! took.

use std::time::{Duration, Instant, SystemTime};

use super::finding::Finding;

/// No clock that is right shows less, in Unix seconds: the beginning of the year of this program.
const EARLIEST: u64 = 1_767_225_600;
/// Nor more: the year 2100.
const LATEST: u64 = 4_102_444_800;
/// How far the clocks may differ about the duration of one run.
const TOLERANCE: Duration = Duration::from_secs(2);

/// What is known of the clocks.
#[derive(Debug)]
pub(super) struct Facts {
    /// The time of day, since the Unix epoch.
    now: Duration,
    /// How long the run took by the monotonic clock.
    monotonic: Duration,
    /// The same by the time of day; none if it went backwards.
    by_day: Option<Duration>,
}

impl Facts {
    pub(super) fn gather((monotonic, day): (Instant, SystemTime)) -> Self {
        let now = SystemTime::now();
        Self {
            now: now
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default(),
            monotonic: monotonic.elapsed(),
            by_day: now.duration_since(day).ok(),
        }
    }
}

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let mend = "sudo timedatectl set-ntp true";
    if !(EARLIEST..LATEST).contains(&facts.now.as_secs()) {
        let text = "the time of day of this machine is impossible, so no token and no certificate \
                    can be judged";
        return vec![Finding::failure("clock.day", text).mend(mend)];
    }
    let differ = facts
        .by_day
        .is_none_or(|by_day| by_day.abs_diff(facts.monotonic) > TOLERANCE);
    vec![if differ {
        let text = "the time of day was changed while this ran, or the machine slept";
        Finding::warning("clock.day", text).mend(mend)
    } else {
        Finding::ok("clock.day", "the time of day is plausible and runs evenly")
    }]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::finding::Level;
    use super::{EARLIEST, Facts, check};

    #[test]
    fn impossible_and_changed_clocks_are_noticed() {
        let second = Duration::from_secs(1);
        for (now, by_day, level) in [
            (EARLIEST + 1, Some(second), Level::Ok),
            (EARLIEST + 1, Some(second * 60), Level::Warning),
            (EARLIEST + 1, None, Level::Warning),
            (0, Some(second), Level::Failure),
            (u64::MAX, Some(second), Level::Failure),
        ] {
            let facts = Facts {
                now: Duration::from_secs(now),
                monotonic: second,
                by_day,
            };
            assert_eq!(check(&facts)[0].level, level, "{now} {by_day:?}");
        }
    }
}
