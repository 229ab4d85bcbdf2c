//! The checks of a port that any process and any web page of this machine can reach: no `Origin`, a
//! `Host` that no other site can own (DNS rebinding), and a bearer. Guesses are slowed down.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use byokey_base::clock::Clock;
use byokey_base::places::{Place, Places};
use http::HeaderMap;
use http::header::ORIGIN;
use tokio::time::Instant;

use super::bearer::BearerRule;
use super::failures::Failures;
use super::hosts::Hosts;
use super::refusal::{BearerRefusal, SenderRefusal};

/// Most refusals that are delayed at once. Above it the oldest connection is dropped.
const MAX_DELAYED: usize = 64;
/// Longest time between two looks at the clock: a suspended machine's timers stand still.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// The checks of one port.
pub struct PortGuard {
    hosts: Hosts,
    bearers: BearerRule,
    failures: Failures,
    delayed: Arc<Places>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for PortGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortGuard").finish_non_exhaustive()
    }
}

/// The wait before a bad bearer is answered.
#[derive(Debug)]
pub struct Delay {
    until: Instant,
    place: Place,
}

impl PortGuard {
    /// Returns the checks of the port with this address.
    #[must_use]
    pub fn new(listening: SocketAddr, bearers: BearerRule, clock: Arc<dyn Clock>) -> Self {
        Self {
            hosts: Hosts::new(listening),
            bearers,
            failures: Failures::default(),
            delayed: Places::new(MAX_DELAYED),
            clock,
        }
    }

    /// Checks that the request is not one of a web page.
    ///
    /// # Errors
    ///
    /// [`SenderRefusal`]
    pub fn check_sender(&self, headers: &HeaderMap) -> Result<(), SenderRefusal> {
        if headers.contains_key(ORIGIN) {
            return Err(SenderRefusal::WebPage);
        }
        let is_named = self.hosts.admit(headers);
        is_named.then_some(()).ok_or(SenderRefusal::Host)
    }

    /// Checks the bearer. Returns when it expires, in Unix seconds, if it does.
    ///
    /// # Errors
    ///
    /// [`BearerRefusal`]. Its answer is to wait for [`PortGuard::delay`].
    pub fn check_bearer(&self, headers: &HeaderMap) -> Result<Option<i64>, BearerRefusal> {
        self.bearers.check(headers, self.clock.unix_seconds())
    }

    /// Counts a bad bearer, and returns the wait before its answer.
    #[must_use]
    pub fn delay(&self) -> Delay {
        Delay {
            until: Instant::now() + self.failures.count(),
            place: self.delayed.enter(),
        }
    }

    /// Waits until a bearer that expires then is good no longer.
    pub(super) async fn expired(&self, until: i64) {
        loop {
            let left = until.saturating_sub(self.clock.unix_seconds());
            match u64::try_from(left) {
                Ok(left @ 1..) => {
                    tokio::time::sleep(Duration::from_secs(left).min(LOOK_AGAIN)).await;
                }
                _ => return,
            }
        }
    }
}

impl Delay {
    /// Waits. Returns whether there is an answer: not if other guesses needed its place.
    pub async fn is_answered(self) -> bool {
        tokio::select! {
            () = tokio::time::sleep_until(self.until) => true,
            () = self.place.evicted() => false,
        }
    }
}
