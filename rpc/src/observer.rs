//! The hook for tracing the traffic.

use std::fmt;

/// Observes the traffic with one peer. It must not block: it runs on the message path.
pub trait Observer: fmt::Debug + Send + Sync {
    /// Called with each message from the peer.
    fn received(&self, message: &[u8]);

    /// Called with each message to the peer.
    fn sent(&self, message: &[u8]);

    /// Called when input was skipped unread.
    fn skipped(&self);
}
