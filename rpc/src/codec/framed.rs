//! What stands between the bytes of a stream and the messages on it.

use byokey_protocol::error::ErrorKind;

use super::splitter::{Piece, Splitter};
use crate::connection::Connection;
use crate::error::RequestError;
use crate::peers::Outbox;

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
pub(crate) trait Wire {
    /// Whether the peer can end its side and still read the answers that are to come.
    const HALF_CLOSES: bool;

    /// Where to read into. Never empty.
    fn space(&mut self) -> &mut [u8];

    /// So many bytes were read.
    fn filled(&mut self, count: usize);

    /// Hands the next message on, if one is complete.
    fn take_one(&mut self, connection: &mut Connection) -> Progress;

    /// Wipes what was handed on.
    fn wipe_handled(&mut self);

    /// Whether the input ended inside a message.
    fn is_inside_message(&self) -> bool;

    /// Moves what waits to be sent into `bytes`, whose contents are done with.
    fn send(&mut self, outbox: &Outbox, bytes: &mut Vec<u8>);

    /// Says goodbye, where the peer expects that.
    fn part(&mut self) {}
}

/// Lines or `Content-Length` frames, whichever the peer begins with.
#[derive(Debug)]
pub(crate) struct FramedWire {
    splitter: Splitter,
    /// Whether the outbox knows how the peer frames.
    framing_is_told: bool,
}

impl FramedWire {
    /// For messages of up to `max_message` bytes.
    pub(crate) fn new(max_message: usize) -> Self {
        Self {
            splitter: Splitter::new(max_message),
            framing_is_told: false,
        }
    }
}

impl Wire for FramedWire {
    const HALF_CLOSES: bool = true;

    fn space(&mut self) -> &mut [u8] {
        self.splitter.space()
    }

    fn filled(&mut self, count: usize) {
        self.splitter.filled(count);
    }

    fn take_one(&mut self, connection: &mut Connection) -> Progress {
        let Some(piece) = self.splitter.next_piece() else {
            return Progress::NeedsMore;
        };
        // The framing may have shown in an earlier read, with the header alone.
        if !self.framing_is_told
            && let Some(framing) = self.splitter.framing()
        {
            connection.peer().outbox.set_framing(framing);
            self.framing_is_told = true;
        }
        match piece {
            Piece::Message(range) => connection.receive(self.splitter.bytes(range)),
            Piece::TooLong => connection.skipped(RequestError::message_too_long()),
            Piece::BadHeader => connection.skipped(RequestError::refused(
                ErrorKind::BadFrame,
                "Invalid request: the header must be `Content-Length: <bytes>`",
            )),
        }
        Progress::Took
    }

    fn wipe_handled(&mut self) {
        self.splitter.wipe_handled();
    }

    fn is_inside_message(&self) -> bool {
        self.splitter.is_inside_message()
    }

    fn send(&mut self, outbox: &Outbox, bytes: &mut Vec<u8>) {
        if !(bytes.is_empty() && outbox.is_empty()) {
            outbox.take(bytes);
        }
    }
}
