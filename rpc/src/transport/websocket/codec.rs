//! Messages as WebSocket text frames, one JSON text each.

use std::fmt;

use byokey_base::memory::wipe_all;
use memchr::memchr_iter;
use tungstenite::protocol::frame::coding::{CloseCode, Data};
use zeroize::Zeroize as _;

use super::frames::{Frames, Piece, frame};
use crate::codec::{Codec, Progress};
use crate::ended::Ended;
use crate::handler::{MessageHandler, Skipped};
use crate::outbox::{KEPT_CAPACITY, Outbox};

/// Longest frame header that a server sends.
const HEADER_ROOM: usize = 10;

/// Messages as WebSocket text frames.
pub(crate) struct WebSocketCodec {
    frames: Frames,
    /// Messages to send, one per line.
    lines: Vec<u8>,
}

impl fmt::Debug for WebSocketCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketCodec").finish_non_exhaustive()
    }
}

impl WebSocketCodec {
    /// Returns a codec for messages of up to `max_message` bytes.
    pub(crate) fn new(max_message: usize) -> Self {
        Self {
            frames: Frames::new(max_message),
            lines: Vec::new(),
        }
    }
}

impl Codec for WebSocketCodec {
    const HALF_CLOSES: bool = false;

    fn space(&mut self) -> &mut [u8] {
        self.frames.space()
    }

    fn filled(&mut self, count: usize) {
        self.frames.filled(count);
    }

    fn take_one<H: MessageHandler>(&mut self, handler: &mut H) -> Progress {
        match self.frames.next_piece() {
            None => return Progress::NeedsMore,
            Some(Piece::Text(message)) => {
                handler.receive(&message);
                return Progress::Took;
            }
            Some(Piece::Binary(_)) => {
                self.frames
                    .refuse(CloseCode::Unsupported, "messages are text frames");
            }
            Some(Piece::Over(Some(CloseCode::Size))) => {
                handler.skipped(Skipped::TooLong { head: &[] });
            }
            Some(Piece::Over(_)) => {}
        }
        Progress::Over
    }

    fn wipe_handled(&mut self) {
        self.frames.wipe_handled();
    }

    fn is_inside_message(&self) -> bool {
        self.frames.is_inside_message()
    }

    fn send(&mut self, outbox: &Outbox, bytes: &mut Vec<u8>) {
        wipe_all(bytes);
        bytes.shrink_to(KEPT_CAPACITY);
        if !outbox.is_empty() {
            outbox.take(&mut self.lines);
            let count = memchr_iter(b'\n', &self.lines).count();
            let replies = self.frames.reply_bytes();
            bytes.reserve_exact(self.lines.len() + count * HEADER_ROOM + replies);
            // JSON texts contain no line break.
            for line in self.lines.split(|byte| *byte == b'\n') {
                if !line.is_empty() {
                    frame(Data::Text, line, bytes);
                }
            }
            wipe_all(&mut self.lines);
            self.lines.shrink_to(KEPT_CAPACITY);
        }
        // After the messages: a close frame ends the connection.
        self.frames.take_replies(bytes);
    }

    fn close(&mut self, ended: Ended) {
        let (code, reason) = match ended {
            Ended::Expired => (CloseCode::Policy, "the bearer has expired"),
            _ => (CloseCode::Away, "the server ends"),
        };
        self.frames.close(code, reason);
    }
}

impl Drop for WebSocketCodec {
    fn drop(&mut self) {
        self.lines.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::{CloseCode, Codec as _, WebSocketCodec};

    #[test]
    fn a_close_frame_comes_last() {
        let outbox = crate::outbox::Outbox::default();
        outbox.push(&1);
        outbox.push(&"a\nb");
        let mut codec = WebSocketCodec::new(1000);
        codec.frames.close(CloseCode::Normal, "");
        let mut bytes = b"old".to_vec();
        codec.send(&outbox, &mut bytes);
        assert_eq!(bytes, b"\x81\x011\x81\x06\"a\\nb\"\x88\x02\x03\xe8");
    }
}
