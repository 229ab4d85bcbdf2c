//! What a transport hands its messages to.

use std::fmt;
use std::sync::Arc;

use crate::outbox::Outbox;

/// One connection, as the transport below sees it.
///
/// Nothing here waits except [`MessageHandler::drained`]: a message is answered or under way when
/// [`MessageHandler::receive`] returns, so that the answer to a request of ours is never queued
/// behind a handler.
pub trait MessageHandler: Send + Sync {
    /// Messages on their way to the peer.
    fn outbox(&self) -> &Arc<Outbox>;

    /// Takes one message, borrowed from the input buffer. It is wiped there afterwards.
    fn receive(&mut self, message: &[u8]);

    /// Input was skipped unread.
    fn skipped(&mut self, why: Skipped<'_>);

    /// Nothing more can be read: requests sent to the peer have no answer to come.
    fn end_of_input(&self);

    /// Waits until everything under way is done: every request of the peer answered.
    fn drained(&self) -> impl Future<Output = ()> + Send;

    /// Answers whatever is still under way with an error: the connection ends.
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
    /// The header of the frame cannot be understood.
    BadHeader,
}

impl fmt::Debug for Skipped<'_> {
    /// Shows no bytes: they are the peer's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong { .. } => "TooLong",
            Self::BadHeader => "BadHeader",
        })
    }
}
