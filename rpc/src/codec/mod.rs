//! Codecs: between the bytes of a stream and the messages on it.

mod framed;
mod input_buffer;
mod splitter;

use std::sync::Arc;

use tokio::sync::Notify;

use crate::ended::Ended;
use crate::handler::MessageHandler;
use crate::outbox::Outbox;

pub(crate) use framed::FramedCodec;

/// The outcome of handing on one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// One message was handed on; there may be more.
    Took,
    /// No complete message is left in the buffer.
    NeedsMore,
    /// The connection is over.
    #[cfg_attr(
        not(feature = "listen"),
        expect(dead_code, reason = "only WebSocket has a message for that")
    )]
    Over,
}

/// Decodes bytes into messages and encodes messages into bytes.
pub(crate) trait Codec {
    /// Whether the peer can close its sending side and still read answers.
    const HALF_CLOSES: bool;

    /// Returns the buffer to read into. Never empty.
    fn space(&mut self) -> &mut [u8];

    /// Marks `count` bytes as read.
    fn filled(&mut self, count: usize);

    /// Hands the next message to the handler, if one is complete.
    fn take_one<H: MessageHandler>(&mut self, handler: &mut H) -> Progress;

    /// Wipes the messages that were handed on.
    fn wipe_handled(&mut self);

    /// Returns what is notified when the unfinished message has to go, because other connections
    /// need its room.
    fn eviction(&self) -> Arc<Notify>;

    /// Returns whether the unfinished message is long enough to be evicted.
    fn is_evictable(&self) -> bool;

    /// Returns whether it was evicted. [`Codec::take_one`] then reports it.
    fn is_evicted(&self) -> bool;

    /// Drops input that was not handed on.
    fn forget(&mut self);

    /// Returns whether the input ended inside a message.
    fn is_inside_message(&self) -> bool;

    /// Moves queued messages into `bytes`. The previous contents of `bytes` are discarded.
    fn send(&mut self, outbox: &Outbox, bytes: &mut Vec<u8>);

    /// Returns how many bytes of queued messages it took and has not sent.
    fn unsent(&self) -> usize {
        0
    }

    /// Queues the closing handshake, where the protocol has one.
    fn close(&mut self, _: Ended) {}
}
