//! How long a connection has waited, by both clocks.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// How far the clocks may differ after a minute. More is a machine that slept, or a clock that was
/// set: what was there before may be gone without a word.
const MAX_DIFFERENCE: Duration = Duration::from_secs(5);

/// When a connection was opened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Age {
    monotonic: Instant,
    wall: SystemTime,
}

impl Age {
    pub(super) fn new() -> Self {
        Self {
            monotonic: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    /// Returns whether the lifetime is over, or a clock jumped meanwhile. The monotonic clock may
    /// stand still while the machine sleeps, the wall clock does not.
    pub(super) fn is_over(&self, lifetime: Duration) -> bool {
        let waited = self.monotonic.elapsed();
        waited >= lifetime || jumped(waited, self.wall, SystemTime::now())
    }
}

fn jumped(waited: Duration, then: SystemTime, now: SystemTime) -> bool {
    now.duration_since(then)
        .map_or(true, |wall| wall.abs_diff(waited) > MAX_DIFFERENCE)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{Age, jumped};

    #[test]
    fn a_clock_that_jumped_is_noticed_in_both_directions() {
        let seconds = Duration::from_secs;
        let then = SystemTime::UNIX_EPOCH + seconds(1_000_000);
        for (waited, now, expected) in [
            (30, then + seconds(30), false),
            (30, then + seconds(34), false),
            (30, then + seconds(3_600), true),
            (30, then, true),
            (2, then - seconds(1), true),
        ] {
            assert_eq!(jumped(seconds(waited), then, now), expected);
        }
    }

    // Row: the clock jumps
    #[tokio::test(start_paused = true)]
    async fn a_wall_clock_that_stood_still_or_was_set_back_ends_it() {
        let age = Age::new();
        tokio::time::advance(Duration::from_secs(4)).await;
        assert!(!age.is_over(Duration::from_secs(60)));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(age.is_over(Duration::from_secs(60)));
    }

    #[test]
    fn a_lifetime_ends() {
        let age = Age::new();
        assert!(!age.is_over(Duration::from_secs(60)));
        assert!(age.is_over(Duration::ZERO));
    }
}
