//! What stands between the bytes of a stream and the messages on it.

mod framed;
mod input_buffer;
mod splitter;

use crate::handler::MessageHandler;
use crate::outbox::Outbox;

pub(crate) use framed::FramedCodec;

/// How far the messages that were read are handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// One was; there may be more.
    Took,
    /// All were; there is no complete one.
    NeedsMore,
    /// The conversation is over.
    Over,
}

/// Turns the bytes of a stream into messages and back.
pub(crate) trait Codec {
    /// Whether the peer can end its side and still read the answers that are to come.
    const HALF_CLOSES: bool;

    /// Where to read into. Never empty.
    fn space(&mut self) -> &mut [u8];

    /// So many bytes were read.
    fn filled(&mut self, count: usize);

    /// Hands the next message on, if one is complete.
    fn take_one<H: MessageHandler>(&mut self, handler: &mut H) -> Progress;

    /// Wipes what was handed on.
    fn wipe_handled(&mut self);

    /// Whether the input ended inside a message.
    fn is_inside_message(&self) -> bool;

    /// Moves what waits to be sent into `bytes`, whose contents are done with.
    fn send(&mut self, outbox: &Outbox, bytes: &mut Vec<u8>);

    /// Queues the closing handshake, where the protocol has one.
    fn close(&mut self) {}
}
