//! Messages as lines or as `Content-Length` frames.

use super::splitter::{Piece, Splitter};
use super::{Codec, Progress};
use crate::handler::{MessageHandler, Skipped};
use crate::outbox::Outbox;

/// Lines or `Content-Length` frames, whichever the peer begins with.
#[derive(Debug)]
pub(crate) struct FramedCodec {
    splitter: Splitter,
    /// Whether the outbox knows how the peer frames.
    framing_is_told: bool,
}

impl FramedCodec {
    /// For messages of up to `max_message` bytes.
    pub(crate) fn new(max_message: usize) -> Self {
        Self {
            splitter: Splitter::new(max_message),
            framing_is_told: false,
        }
    }
}

impl Codec for FramedCodec {
    const HALF_CLOSES: bool = true;

    fn space(&mut self) -> &mut [u8] {
        self.splitter.space()
    }

    fn filled(&mut self, count: usize) {
        self.splitter.filled(count);
    }

    fn take_one<H: MessageHandler>(&mut self, handler: &mut H) -> Progress {
        let Some(piece) = self.splitter.next_piece() else {
            return Progress::NeedsMore;
        };
        // The framing may have shown in an earlier read, with the header alone.
        if !self.framing_is_told
            && let Some(framing) = self.splitter.framing()
        {
            handler.outbox().set_framing(framing);
            self.framing_is_told = true;
        }
        match piece {
            Piece::Message(range) => handler.receive(self.splitter.bytes(range)),
            Piece::TooLong(head) => {
                let head = self.splitter.bytes(head);
                handler.skipped(Skipped::TooLong { head });
            }
            Piece::BadHeader => handler.skipped(Skipped::BadHeader),
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
