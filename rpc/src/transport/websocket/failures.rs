//! Slows down guessing: after five invalid bearers within a second, refusals are delayed.
//!
//! Valid bearers are never delayed, so that a client that fails repeatedly does not affect others.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Failures per second that are answered without delay.
const FREE: u32 = 5;
/// Delay added by each failure beyond those.
const INTERVAL: Duration = Duration::from_millis(200);
/// Longest delay; shorter than the handshake's deadline.
const LONGEST: Duration = Duration::from_secs(4);

/// The failures so far.
#[derive(Debug, Default)]
pub(super) struct Failures {
    /// The time at which all failures so far would be within the free rate.
    paid_until: Mutex<Option<Instant>>,
}

impl Failures {
    /// Counts a failure; returns the delay before its answer.
    pub(super) fn count(&self) -> Duration {
        let now = Instant::now();
        let mut paid_until = self
            .paid_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let paid = paid_until.map_or(now, |paid| paid.max(now)) + INTERVAL;
        let delay = paid.duration_since(now).saturating_sub(INTERVAL * FREE);
        let delay = delay.min(LONGEST);
        *paid_until = Some(paid.min(now + INTERVAL * FREE + LONGEST));
        delay
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Failures;

    #[tokio::test(start_paused = true)]
    async fn five_a_second_are_free() {
        let failures = Failures::default();
        let millis = |delay: Duration| delay.as_millis();
        for _ in 0..5 {
            assert_eq!(millis(failures.count()), 0);
        }
        assert_eq!(millis(failures.count()), 200);
        assert_eq!(millis(failures.count()), 400);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(millis(failures.count()), 0);
        for _ in 0..100 {
            failures.count();
        }
        assert_eq!(millis(failures.count()), 4000);
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(millis(failures.count()), 0);
    }
}
