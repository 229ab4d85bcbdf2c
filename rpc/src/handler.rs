//! The trait to which a transport passes messages.

use std::fmt;
use std::sync::Arc;

use crate::limits::Limits;
use crate::outbox::Outbox;

/// One connection, as seen by the transport.
///
/// Nothing here blocks except [`MessageHandler::drained`]: a message is answered or its task
/// spawned when [`MessageHandler::receive`] returns, so that the response to one of our requests
/// never queues behind a handler.
pub trait MessageHandler: Send + Sync {
    /// Returns the queue of messages to the peer.
    fn outbox(&self) -> &Arc<Outbox>;

    /// Applies the limits of the connection, before the first message.
    fn bound(&self, limits: &Limits) {
        if let Some(bytes) = limits.max_unread {
            self.outbox().set_limit(bytes);
        }
        self.outbox().set_budget(limits.budget.as_ref());
    }

    /// Handles one message, borrowed from the input buffer, where it is wiped afterwards.
    fn receive(&mut self, message: &[u8]);

    /// Reports input that was skipped unread.
    fn skipped(&mut self, why: Skipped<'_>);

    /// Reports the end of input: requests to the peer can no longer be answered.
    fn end_of_input(&self);

    /// Waits until every request of the peer is answered.
    fn drained(&self) -> impl Future<Output = ()> + Send;

    /// Answers all requests in flight with an error: the connection ends.
    fn give_up(&self);
}

/// Why input was skipped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Skipped<'a> {
    /// The message is longer than the limit.
    TooLong {
        /// Its first bytes, as far as they are known. They are wiped like a message.
        head: &'a [u8],
    },
    /// The connections of the listener buffer too much together.
    Overload {
        /// Its first bytes, as far as they are known. They are wiped like a message.
        head: &'a [u8],
    },
    /// The header of the frame is invalid.
    BadHeader,
}

impl fmt::Debug for Skipped<'_> {
    /// Prints no bytes: they are the peer's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong { .. } => "TooLong",
            Self::Overload { .. } => "Overload",
            Self::BadHeader => "BadHeader",
        })
    }
}
