//! Rate limits of a group of routes.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_secs(60);

/// The calls of the last minute.
#[derive(Default)]
pub(crate) struct Rate(VecDeque<Instant>);

impl Rate {
    /// Returns whether another call is within this many a minute, and counts it if so.
    pub(crate) fn admit(&mut self, limit: u32) -> bool {
        self.0.retain(|call| call.elapsed() < MINUTE);
        let has_room = self.0.len() < usize::try_from(limit).unwrap_or(usize::MAX);
        if has_room {
            self.0.push_back(Instant::now());
        }
        has_room
    }
}
