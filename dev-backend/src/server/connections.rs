//! Counts connections.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The connections so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connections {
    /// How many were accepted.
    pub accepted: usize,
    /// How many are open now.
    pub open: usize,
    /// How many TLS handshakes succeeded.
    pub handshakes: usize,
    /// How many of these resumed a session.
    pub resumed: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    accepted: AtomicUsize,
    open: AtomicUsize,
    handshakes: AtomicUsize,
    resumed: AtomicUsize,
}

/// An open connection.
pub(crate) struct Opened<'a>(&'a Counters);

impl Counters {
    pub(crate) fn accept(&self) -> Opened<'_> {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
        Opened(self)
    }

    #[cfg(feature = "tls")]
    pub(crate) fn handshake(&self, is_resumed: bool) {
        self.handshakes.fetch_add(1, Ordering::Relaxed);
        self.resumed
            .fetch_add(usize::from(is_resumed), Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> Connections {
        Connections {
            accepted: self.accepted.load(Ordering::Relaxed),
            open: self.open.load(Ordering::Relaxed),
            handshakes: self.handshakes.load(Ordering::Relaxed),
            resumed: self.resumed.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}
