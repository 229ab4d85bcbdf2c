//! The time of day, as a trait.
//!
//! Deadlines use the runtime's monotonic clock. Only calendar times set by other parties, above all
//! a token's expiry, are compared with this one.

use std::time::{Duration, SystemTime};

/// A source of the time of day.
pub trait Clock: Send + Sync {
    /// Returns the time since the Unix epoch.
    fn since_epoch(&self) -> Duration;

    /// Returns Unix seconds.
    fn unix_seconds(&self) -> i64 {
        i64::try_from(self.since_epoch().as_secs()).unwrap_or(i64::MAX)
    }

    /// Returns Unix milliseconds.
    fn unix_millis(&self) -> i64 {
        i64::try_from(self.since_epoch().as_millis()).unwrap_or(i64::MAX)
    }
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn since_epoch(&self) -> Duration {
        SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
    }
}
