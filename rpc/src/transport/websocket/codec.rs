//! Messages as WebSocket text frames, one JSON text each.

use std::sync::Arc;
use std::{fmt, mem};

use byokey_base::memory::{wipe, wipe_all};
use byokey_protocol::scan::find_byte;
use tokio::sync::Notify;
use tungstenite::protocol::frame::coding::{CloseCode, Data};
use zeroize::Zeroize as _;

use super::frames::{Frames, Piece, frame, frame_header};
use crate::codec::{Codec, Progress};
use crate::ended::Ended;
use crate::handler::{MessageHandler, Skipped};
use crate::limits::Limits;
use crate::outbox::{KEPT_CAPACITY, Outbox};

/// Longest frame header that a server sends.
const HEADER_ROOM: usize = 10;
/// From how many bytes on no further message is framed before these are written.
const FRAMED: usize = 64 * 1024;

/// Messages as WebSocket text frames.
pub(crate) struct WebSocketCodec {
    frames: Frames,
    /// Messages to send, one per line.
    lines: Vec<u8>,
    /// How many bytes of them are framed, and wiped.
    framed: usize,
    /// Whether the outbox counts messages as unread that it gave away.
    is_unread: bool,
}

impl fmt::Debug for WebSocketCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketCodec").finish_non_exhaustive()
    }
}

impl WebSocketCodec {
    /// Returns a codec for messages within these limits.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            frames: Frames::new(limits.max_message, limits.budget.clone()),
            lines: Vec::new(),
            framed: 0,
            is_unread: false,
        }
    }

    /// Frames messages, in `bytes`, which are empty.
    fn frame(&mut self, bytes: &mut Vec<u8>) {
        if self.framed == 0 && self.lines.len() > FRAMED {
            let first = find_byte(b'\n', &self.lines);
            if first == self.lines.len().checked_sub(1) {
                // One long message is not copied.
                mem::swap(bytes, &mut self.lines);
                bytes.pop();
                let mut header = Vec::with_capacity(HEADER_ROOM);
                frame_header(Data::Text, bytes.len(), &mut header);
                bytes.splice(0..0, header);
                return;
            }
        }
        while bytes.len() < FRAMED {
            let rest = self.lines.get_mut(self.framed..).unwrap_or_default();
            // JSON texts contain no line break.
            let Some(length) = find_byte(b'\n', rest) else {
                break;
            };
            let line = rest.get_mut(..length).unwrap_or_default();
            if !line.is_empty() {
                bytes.reserve(length + HEADER_ROOM);
                frame(Data::Text, line, bytes);
            }
            wipe(line);
            self.framed += length + 1;
        }
        if self.framed == self.lines.len() {
            self.lines.clear();
            self.lines.shrink_to(KEPT_CAPACITY);
            self.framed = 0;
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
            Some(Piece::Over(Some(CloseCode::Again))) => {
                handler.skipped(Skipped::Overload { head: &[] });
            }
            Some(Piece::Over(_)) => {}
        }
        Progress::Over
    }

    fn wipe_handled(&mut self) {
        self.frames.wipe_handled();
    }

    fn eviction(&self) -> Arc<Notify> {
        self.frames.eviction()
    }

    fn is_evictable(&self) -> bool {
        self.frames.share().is_held()
    }

    fn is_evicted(&self) -> bool {
        self.frames.share().is_evicted()
    }

    fn forget(&mut self) {
        self.frames.forget();
    }

    fn is_inside_message(&self) -> bool {
        self.frames.is_inside_message()
    }

    fn send(&mut self, outbox: &Outbox, bytes: &mut Vec<u8>) {
        wipe_all(bytes);
        bytes.shrink_to(KEPT_CAPACITY);
        if self.lines.is_empty() && (self.is_unread || !outbox.is_empty()) {
            outbox.take(&mut self.lines);
            self.is_unread = !self.lines.is_empty();
        }
        if !self.lines.is_empty() {
            self.frame(bytes);
        }
        // After the messages: a close frame ends the connection.
        if self.lines.is_empty() {
            self.frames.take_replies(bytes);
        }
    }

    fn unsent(&self) -> usize {
        self.lines.len() - self.framed
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
    use super::{CloseCode, Codec as _, Data, FRAMED, Limits, Outbox, WebSocketCodec, frame};

    /// Takes all of the outbox, as if each part were written at once. Returns the parts.
    fn parts(codec: &mut WebSocketCodec, outbox: &Outbox) -> Vec<Vec<u8>> {
        let mut parts = Vec::new();
        loop {
            let mut bytes = Vec::new();
            codec.send(outbox, &mut bytes);
            if bytes.is_empty() {
                return parts;
            }
            parts.push(bytes);
        }
    }

    #[test]
    fn many_messages_are_framed_in_parts_and_in_their_order() {
        let outbox = Outbox::default();
        let long = "x".repeat(2 * FRAMED);
        for number in 0..20_000 {
            outbox.push(&number);
        }
        outbox.push(&long);
        outbox.push(&"end");
        let mut codec = WebSocketCodec::new(&Limits::default());
        let parts = parts(&mut codec, &outbox);
        assert!(parts.len() >= 3 && parts.iter().all(|part| part.len() <= 4 * FRAMED));
        let mut expected = Vec::new();
        for number in 0..20_000 {
            frame(Data::Text, number.to_string().as_bytes(), &mut expected);
        }
        frame(Data::Text, format!("\"{long}\"").as_bytes(), &mut expected);
        frame(Data::Text, b"\"end\"", &mut expected);
        assert_eq!(parts.concat(), expected);
        assert_eq!(codec.unsent(), 0);
    }

    #[test]
    fn one_long_message_is_framed_where_it_is() {
        let outbox = Outbox::default();
        let long = "x".repeat(2 * FRAMED);
        outbox.push(&long);
        let mut codec = WebSocketCodec::new(&Limits::default());
        let mut expected = Vec::new();
        frame(Data::Text, format!("\"{long}\"").as_bytes(), &mut expected);
        assert_eq!(parts(&mut codec, &outbox), [expected]);
        assert!(codec.lines.capacity() <= FRAMED);
    }

    #[test]
    fn a_close_frame_waits_for_the_messages_before_it() {
        let outbox = Outbox::default();
        outbox.push(&"x".repeat(FRAMED));
        outbox.push(&1);
        let mut codec = WebSocketCodec::new(&Limits::default());
        codec.frames.close(CloseCode::Normal, "");
        let parts = parts(&mut codec, &outbox);
        assert!(parts.concat().ends_with(b"\x81\x011\x88\x02\x03\xe8"));
    }

    #[test]
    fn a_close_frame_comes_last() {
        let outbox = Outbox::default();
        outbox.push(&1);
        outbox.push(&"a\nb");
        let mut codec = WebSocketCodec::new(&Limits::default());
        codec.frames.close(CloseCode::Normal, "");
        let mut bytes = b"old".to_vec();
        codec.send(&outbox, &mut bytes);
        assert_eq!(bytes, b"\x81\x011\x81\x06\"a\\nb\"\x88\x02\x03\xe8");
    }
}
