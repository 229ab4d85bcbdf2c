//! The one input buffer, and the message boundaries found in it.
//!
//! Handled bytes are wiped, and so is an outgrown buffer: a secret must not stay longer than its
//! message.

use std::ops::Range;
use std::sync::Arc;

use tokio::sync::Notify;

use super::input_buffer::{IDLE, InputBuffer, SHORT};
use crate::budget::{BufferBudget, Share};
use crate::framing::{Discard, Found, Framing, before_header};
use byokey_base::memory::wipe;
use byokey_protocol::scan::find_byte;

/// How many bytes of an overlong message are examined: they contain the id of a request.
const HEAD: usize = 4 * 1024;

/// Buffer space beside the message: a header block and line breaks.
const FRAME_ROOM: usize = 8 * 1024;

/// The next element of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A message, at this range of the buffer.
    Message(Range<usize>),
    /// A message longer than the limit; it is discarded. The range holds its first bytes.
    TooLong(Range<usize>),
    /// A message that the budget has no room for; it is discarded. The range holds its first bytes.
    Overload(Range<usize>),
    /// A frame with an invalid header; it is skipped.
    BadHeader,
}

/// Splits a stream of bytes into messages.
#[derive(Debug)]
pub(crate) struct Splitter {
    buffer: InputBuffer,
    /// The bytes read and not yet handled.
    filled: Range<usize>,
    /// How many bytes before them are wiped.
    wiped: usize,
    /// How many of them are known to contain no line break.
    searched: usize,
    framing: Option<Framing>,
    discarding: Option<Discard>,
    /// Whether the head of the message to discard is still to be handed on.
    is_head_due: bool,
    /// Whether it is discarded for want of room in the budget.
    is_overload: bool,
    /// Whether an invalid header was reported and no frame found since.
    resynchronising: bool,
    limit: usize,
    /// How much of the buffer may be filled.
    room: usize,
    share: Share,
    eviction: Arc<Notify>,
}

impl Splitter {
    /// Returns a splitter for messages of up to `limit` bytes. Long ones come out of the budget.
    pub(crate) fn new(limit: usize, budget: Option<Arc<BufferBudget>>) -> Self {
        let eviction = Arc::<Notify>::default();
        Self {
            buffer: InputBuffer::idle(),
            filled: 0..0,
            wiped: 0,
            searched: 0,
            framing: None,
            discarding: None,
            is_head_due: false,
            is_overload: false,
            resynchronising: false,
            limit,
            room: IDLE,
            share: Share::evictable(budget, Arc::clone(&eviction)),
            eviction,
        }
    }

    /// Returns the framing once it is detected.
    pub(crate) const fn framing(&self) -> Option<Framing> {
        self.framing
    }

    /// Returns the buffer to read into. Never empty.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.filled.end == self.room.min(self.buffer.len()) {
            self.make_room();
        }
        let end = self.room.min(self.buffer.len());
        self.buffer
            .get_mut(self.filled.end..end)
            .unwrap_or_default()
    }

    /// Marks `count` bytes as read.
    pub(crate) fn filled(&mut self, count: usize) {
        self.filled.end += count;
    }

    /// Returns the bytes of a message just found.
    pub(crate) fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.buffer.get(range).unwrap_or_default()
    }

    /// Returns what the input takes of the budget.
    pub(crate) const fn share(&self) -> &Share {
        &self.share
    }

    /// Returns what is notified when the share is evicted.
    pub(crate) fn eviction(&self) -> Arc<Notify> {
        Arc::clone(&self.eviction)
    }

    /// Drops what was not handled.
    pub(crate) fn forget(&mut self) {
        let unhandled = self.wiped..self.filled.end;
        wipe(self.buffer.get_mut(unhandled).unwrap_or_default());
        self.empty();
    }

    /// Returns whether a message has begun and not ended.
    pub(crate) fn is_inside_message(&self) -> bool {
        self.unhandled()
            .iter()
            .any(|byte| !byte.is_ascii_whitespace())
    }

    /// Returns the next piece, if one is complete.
    pub(crate) fn next_piece(&mut self) -> Option<Piece> {
        loop {
            if self.is_head_due {
                return self.head_of_discarded();
            }
            if !self.discard() {
                return None;
            }
            if self.framing.is_none() {
                self.framing = Framing::detect(self.unhandled());
            }
            let found = self
                .framing?
                .find(self.unhandled(), self.searched, self.limit);
            self.searched = 0;
            match found {
                Found::Incomplete { skip } => {
                    self.filled.start += skip;
                    if self.framing == Some(Framing::Lines) {
                        self.searched = self.filled.len();
                    }
                    if self.keeps_room() {
                        return None;
                    }
                    // With this limit the message is too long.
                    let found = self.framing?.find(self.unhandled(), 0, 0);
                    let Found::TooLong { skip, discard } = found else {
                        return None;
                    };
                    self.discard_message(skip, discard);
                    self.is_overload = true;
                }
                Found::Message {
                    skip,
                    length,
                    after,
                } => {
                    let start = self.filled.start + skip;
                    self.filled.start = start + length + after;
                    self.resynchronising = false;
                    return Some(Piece::Message(start..start + length));
                }
                Found::TooLong { skip, discard } => {
                    self.discard_message(skip, discard);
                    self.is_overload = false;
                }
                Found::BadHeader { skip } => {
                    self.filled.start += skip;
                    self.discarding = Some(Discard::ToHeader);
                    // Invalid input is reported once, however long it is.
                    if !std::mem::replace(&mut self.resynchronising, true) {
                        return Some(Piece::BadHeader);
                    }
                }
            }
        }
    }

    /// Wipes handled bytes. Call it when the pieces found are dealt with.
    pub(crate) fn wipe_handled(&mut self) {
        let handled = self.wiped..self.filled.start;
        wipe(self.buffer.get_mut(handled.clone()).unwrap_or_default());
        self.wiped = self.filled.start;
        if self.filled.is_empty() {
            self.empty();
        } else if self.share.is_held() && !handled.is_empty() {
            self.begin_anew();
        }
    }

    /// Returns to the capacity for short messages.
    fn empty(&mut self) {
        self.filled = 0..0;
        self.wiped = 0;
        self.searched = 0;
        self.buffer.shrink();
        self.room = IDLE;
        self.share.resize(0);
    }

    /// Gives up the room of the messages that were handled. What came behind them is as old as the
    /// last read.
    fn begin_anew(&mut self) {
        if self.buffer.fit(self.filled.clone()) {
            self.filled = 0..self.filled.len();
            self.wiped = 0;
            self.room = self.buffer.len();
        }
        self.share.resize(0);
        // One that does not fit is found out when it turns out to be unfinished.
        self.share.resize(self.room);
    }

    /// Returns whether the unfinished message may stay, and have room to go on.
    fn keeps_room(&mut self) -> bool {
        if self.filled.len() >= self.room {
            let more = if self.room < SHORT { self.room } else { SHORT };
            // Framing may add to a message at its limit.
            let most = (self.limit + FRAME_ROOM).max(self.filled.len() + 1);
            self.room = most.min(self.room + more);
        }
        self.room <= IDLE || self.share.resize(self.room)
    }

    fn discard_message(&mut self, skip: usize, discard: Discard) {
        self.filled.start += skip;
        self.discarding = Some(discard);
        self.resynchronising = false;
        self.is_head_due = true;
    }

    fn unhandled(&self) -> &[u8] {
        self.buffer.get(self.filled.clone()).unwrap_or_default()
    }

    /// Returns the first bytes of the message to discard, once enough are read.
    fn head_of_discarded(&mut self) -> Option<Piece> {
        let expected = match self.discarding {
            Some(Discard::Bytes(count)) => count.min(HEAD),
            // A line counts as too long only when more bytes than the limit are read.
            _ => self.filled.len().min(HEAD),
        };
        if self.filled.len() < expected {
            return None;
        }
        self.is_head_due = false;
        let head = self.filled.start..self.filled.start + expected;
        Some(if self.is_overload {
            Piece::Overload(head)
        } else {
            Piece::TooLong(head)
        })
    }

    /// Discards input as requested. Returns whether it is done.
    fn discard(&mut self) -> bool {
        let Some(discard) = self.discarding else {
            return true;
        };
        let available = self.filled.len();
        let (count, rest) = match discard {
            Discard::Line => match find_byte(b'\n', self.unhandled()) {
                Some(newline) => (newline + 1, None),
                None => (available, Some(Discard::Line)),
            },
            Discard::Bytes(count) if count > available => {
                (available, Some(Discard::Bytes(count - available)))
            }
            Discard::Bytes(count) => (count, None),
            Discard::ToHeader => match before_header(self.unhandled()) {
                (count, true) => (count, None),
                (count, false) => (count, Some(Discard::ToHeader)),
            },
        };
        self.filled.start += count;
        self.discarding = rest;
        rest.is_none()
    }

    /// Moves the unhandled bytes to the front, or into a larger buffer.
    fn make_room(&mut self) {
        let (start, length) = (self.filled.start, self.filled.len());
        if start > 0 {
            self.buffer.copy_within(self.filled.clone(), 0);
            wipe(self.buffer.get_mut(length..).unwrap_or_default());
        } else {
            self.room = self.room.max(length + 1);
            let most = self.limit + FRAME_ROOM;
            if self.buffer.len() < self.room {
                self.buffer.grow(self.filled.clone(), most);
            }
        }
        self.filled = 0..length;
        self.wiped = 0;
    }
}

impl Drop for Splitter {
    fn drop(&mut self) {
        let unhandled = self.wiped..self.filled.end;
        wipe(self.buffer.get_mut(unhandled).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{BufferBudget, IDLE, Piece, SHORT, Share, Splitter};

    /// Feeds the input in pieces of `step` bytes and returns what it yields.
    fn split(input: &[u8], step: usize, limit: usize) -> Vec<String> {
        let mut splitter = Splitter::new(limit, None);
        let pieces = feed(&mut splitter, input, step);
        assert!(splitter.buffer.len() <= limit + super::FRAME_ROOM + IDLE);
        pieces
    }

    fn feed(splitter: &mut Splitter, input: &[u8], step: usize) -> Vec<String> {
        let mut pieces = Vec::new();
        for chunk in input.chunks(step) {
            let mut chunk = chunk;
            while !chunk.is_empty() {
                let space = splitter.space();
                let count = space.len().min(chunk.len());
                space[..count].copy_from_slice(&chunk[..count]);
                splitter.filled(count);
                chunk = &chunk[count..];
                while let Some(piece) = splitter.next_piece() {
                    pieces.push(match piece {
                        Piece::Message(range) => {
                            String::from_utf8_lossy(splitter.bytes(range)).into_owned()
                        }
                        Piece::TooLong(head) => {
                            let head = splitter.bytes(head);
                            assert!(head.len() <= super::HEAD && head.starts_with(b"xxx"));
                            "TooLong".to_owned()
                        }
                        Piece::Overload(head) => {
                            let head = splitter.bytes(head);
                            assert!(head.len() <= super::HEAD && head.starts_with(b"xxx"));
                            "Overload".to_owned()
                        }
                        Piece::BadHeader => "BadHeader".to_owned(),
                    });
                }
                splitter.wipe_handled();
            }
        }
        pieces
    }

    #[test]
    fn a_message_without_room_in_the_budget_is_skipped_and_the_next_one_is_found() {
        let long = "x".repeat(500_000);
        let lines = format!("{{a}}\n{long}\n{{b}}\n");
        let frames = format!(
            "Content-Length: 3\r\n\r\n{{a}}Content-Length: 500000\r\n\r\n{long}\
             Content-Length: 3\r\n\r\n{{b}}"
        );
        for (most, expected) in [(600_000, long.as_str()), (400_000, "Overload")] {
            for step in [1000, 200_000, 1_000_000] {
                for input in [&lines, &frames] {
                    let budget = BufferBudget::sized(most, IDLE);
                    let mut splitter = Splitter::new(1 << 20, Some(budget));
                    let pieces = feed(&mut splitter, input.as_bytes(), step);
                    assert_eq!(pieces, ["{a}", expected, "{b}"], "{step}");
                    assert!(!splitter.share().is_held());
                    assert_eq!(splitter.buffer.len(), IDLE);
                }
            }
        }
    }

    #[test]
    fn a_message_that_is_evicted_is_reported_and_its_rest_is_skipped() {
        let budget = BufferBudget::sized(500_000, IDLE);
        let mut splitter = Splitter::new(1 << 20, Some(Arc::clone(&budget)));
        assert!(feed(&mut splitter, &[b'x'; 300_000], 4096).is_empty());
        let mut other = Share::evictable(Some(budget), Arc::default());
        assert!(other.resize(280_000), "the message holds more");
        assert!(splitter.share().is_evicted());
        let rest = b"x\n{a}\n";
        assert_eq!(feed(&mut splitter, rest, 1), ["Overload", "{a}"]);
        assert!(!splitter.share().is_evicted());
    }

    #[test]
    fn the_room_of_a_handled_message_is_given_up_though_the_next_one_has_begun() {
        let budget = BufferBudget::sized(2 << 20, IDLE);
        let mut splitter = Splitter::new(1 << 20, Some(budget));
        let input = format!("{}\n{{next", "y".repeat(1_000_000));
        assert_eq!(feed(&mut splitter, input.as_bytes(), 1 << 20).len(), 1);
        assert!(splitter.buffer.len() <= SHORT && !splitter.share().is_held());
        assert_eq!(feed(&mut splitter, b"}\n", 9), ["{next}"]);
    }

    #[test]
    fn input_that_is_forgotten_gives_up_its_room() {
        let budget = BufferBudget::sized(2 << 20, IDLE);
        let mut splitter = Splitter::new(1 << 20, Some(budget));
        assert!(feed(&mut splitter, &[b'x'; 300_000], 4096).is_empty());
        assert!(splitter.share().is_held());
        splitter.forget();
        assert!(!splitter.share().is_held() && !splitter.is_inside_message());
        assert_eq!(splitter.buffer.len(), IDLE);
    }

    #[test]
    fn lines_come_out_whole_however_they_arrive() {
        for step in [1, 2, 7, 1000] {
            assert_eq!(
                split(b"{1}\n{2}\r\n\n{3}\n{4", step, 100),
                ["{1}", "{2}\r", "", "{3}"]
            );
        }
    }

    #[test]
    fn frames_come_out_whole_however_they_arrive() {
        let input = b"Content-Length: 3\r\n\r\n{1}Content-Length: 4\r\n\r\n{22}";
        for step in [1, 2, 7, 1000] {
            assert_eq!(split(input, step, 100), ["{1}", "{22}"], "{step}");
        }
    }

    #[test]
    fn a_long_message_is_reported_once_and_the_next_one_is_found() {
        let long = "x".repeat(100_000);
        let lines = format!("{{a}}\n{long}\n{{b}}\n");
        let frames = format!(
            "Content-Length: 3\r\n\r\n{{a}}Content-Length: 100000\r\n\r\n{long}\
             Content-Length: 3\r\n\r\n{{b}}"
        );
        for step in [1, 4096, 200_000] {
            for input in [&lines, &frames] {
                assert_eq!(
                    split(input.as_bytes(), step, 50_000),
                    ["{a}", "TooLong", "{b}"]
                );
            }
        }
    }

    #[test]
    fn nonsense_between_frames_is_reported_once_and_the_next_frame_is_found() {
        let frame = "Content-Length: 3\r\n\r\n{a}";
        let cut = frame.replace('3', "2");
        let (long, tail) = ("c".repeat(30_000), "]\"content-\"\nConte");
        for nonsense in ["nonsense\r\n", "Content-Length: x\r\n\r\n", &long, tail] {
            let input = format!("{frame}{nonsense}{frame}{nonsense}{frame}");
            for step in [1, 7, 64, 100_000] {
                let expected = ["{a}", "BadHeader", "{a}", "BadHeader", "{a}"];
                assert_eq!(split(input.as_bytes(), step, 100), expected, "{nonsense}");
            }
        }
        let too_short = format!("{cut}{frame}");
        assert_eq!(
            split(too_short.as_bytes(), 5, 100),
            ["{a", "BadHeader", "{a}"]
        );
    }

    #[test]
    fn a_message_at_the_limit_passes() {
        let exact = "y".repeat(50_000);
        assert_eq!(split(format!("{exact}\n").as_bytes(), 999, 50_000), [exact]);
    }

    #[test]
    fn what_was_handled_is_wiped() {
        let mut splitter = Splitter::new(1000, None);
        let input = b"{secret}\n{next";
        splitter.space()[..input.len()].copy_from_slice(input);
        splitter.filled(input.len());
        assert!(splitter.next_piece().is_some());
        assert!(splitter.next_piece().is_none());
        splitter.wipe_handled();
        assert!(splitter.buffer[..9].iter().all(|byte| *byte == 0));
        assert_eq!(splitter.unhandled(), b"{next");
    }
}
