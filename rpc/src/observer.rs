//! The hook for a trace of the traffic, to debug an integration.

use std::fmt;

/// Observes the traffic with one peer. It must not block: it runs where messages are handled.
pub trait Observer: fmt::Debug + Send + Sync {
    /// The peer sent this message.
    fn received(&self, message: &[u8]);

    /// This message is sent to the peer.
    fn sent(&self, message: &[u8]);

    /// The peer sent something that was skipped unread.
    fn skipped(&self);
}
