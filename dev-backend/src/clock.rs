//! The time of day, as the wire formats want it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since the Unix epoch; zero if the clock stands before it.
pub(crate) fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
