//! Codec for lines and for `Content-Length` frames.

use std::sync::Arc;

use tokio::sync::Notify;

use super::splitter::{Piece, Splitter};
use super::{Codec, Progress};
use crate::handler::{MessageHandler, Skipped};
use crate::limits::Limits;
use crate::outbox::Outbox;

/// Lines or `Content-Length` frames, detected from the first bytes of the peer.
#[derive(Debug)]
pub(crate) struct FramedCodec {
    splitter: Splitter,
    /// Whether the outbox has the peer's framing.
    outbox_has_framing: bool,
}

impl FramedCodec {
    /// Returns a codec for messages within these limits.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            splitter: Splitter::new(limits.max_message, limits.budget.clone()),
            outbox_has_framing: false,
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
        // An earlier read that held the header alone may have shown the framing.
        if !self.outbox_has_framing
            && let Some(framing) = self.splitter.framing()
        {
            handler.outbox().set_framing(framing);
            self.outbox_has_framing = true;
        }
        match piece {
            Piece::Message(range) => handler.receive(self.splitter.bytes(range)),
            Piece::TooLong(head) => {
                let head = self.splitter.bytes(head);
                handler.skipped(Skipped::TooLong { head });
            }
            Piece::Overload(head) => {
                let head = self.splitter.bytes(head);
                handler.skipped(Skipped::Overload { head });
            }
            Piece::BadHeader => handler.skipped(Skipped::BadHeader),
        }
        Progress::Took
    }

    fn wipe_handled(&mut self) {
        self.splitter.wipe_handled();
    }

    fn eviction(&self) -> Arc<Notify> {
        self.splitter.eviction()
    }

    fn is_evictable(&self) -> bool {
        self.splitter.share().is_held()
    }

    fn is_evicted(&self) -> bool {
        self.splitter.share().is_evicted()
    }

    fn forget(&mut self) {
        self.splitter.forget();
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
