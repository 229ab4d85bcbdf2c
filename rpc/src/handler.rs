//! What a transport hands its messages to.

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
    fn skipped(&mut self, why: Skipped);

    /// Nothing more can be read: requests sent to the peer have no answer to come.
    fn end_of_input(&self);

    /// Waits until everything under way is done: every request of the peer answered.
    fn drained(&self) -> impl Future<Output = ()> + Send;

    /// Answers whatever is still under way with an error: the connection ends.
    fn give_up(&self);
}

/// Why input was skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skipped {
    /// The message is longer than the limit.
    TooLong,
    /// The header of the frame cannot be understood.
    BadHeader,
}
