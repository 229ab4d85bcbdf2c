//! The frames of a WebSocket connection, and the messages that they make up.
//!
//! The WebSocket protocol itself is tungstenite's. It is given one frame at a time, out of a buffer
//! of ours that holds masked bytes only, and gets new memory after each message, so that it does
//! not retain a message in its buffer until the next one arrives.

use std::fmt;
use std::io::{self, Cursor};
use std::mem;
use std::ops::{Deref, Range};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Notify;
use tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tungstenite::protocol::frame::{CloseFrame, FrameHeader, Utf8Bytes};
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message};
use zeroize::Zeroize as _;

use super::unfinished::Unfinished;
use crate::budget::{BufferBudget, Share};
use byokey_base::memory::wipe;

/// Most bytes per read.
const CHUNK: usize = 16 * 1024;
/// Most bytes of queued pongs. Beyond them only the latest is sent.
const MAX_PONGS: usize = 8 * 1024;
/// Capacity of the library's buffer while no message is in it.
const IDLE_CAPACITY: usize = 1024;

/// Incoming frames, split into messages, and the control frames sent in reply.
pub struct Frames {
    buffer: Vec<u8>,
    /// The bytes read and not yet handled.
    filled: Range<usize>,
    /// How many bytes before them are wiped.
    wiped: usize,
    /// How many bytes of the current frame are still missing.
    frame_rest: usize,
    inside_message: bool,
    /// Whether either side has sent a close frame.
    closing: bool,
    protocol: WebSocketContext,
    config: WebSocketConfig,
    /// Complete control frames to send.
    replies: Vec<u8>,
    /// The range of the last pong among them. A peer may send pings and read nothing: only the
    /// latest pong is needed (RFC 6455, section 5.5.3).
    pong: Range<usize>,
    message: Unfinished,
    share: Share,
    eviction: Arc<Notify>,
}

impl fmt::Debug for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames").finish_non_exhaustive()
    }
}

/// The next element of the stream.
#[derive(Debug)]
pub enum Piece {
    /// A text message.
    Text(Received),
    /// A binary message.
    Binary(Received),
    /// The connection is over, cleanly or not. A close frame is among the replies.
    Over(Option<CloseCode>),
}

/// The content of a message. It is wiped on drop.
pub struct Received(Bytes);

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received").finish_non_exhaustive()
    }
}

impl Deref for Received {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        // Memory that is still shared is wiped when it is freed.
        if let Ok(mut bytes) = mem::take(&mut self.0).try_into_mut() {
            bytes.as_mut().zeroize();
        }
    }
}

impl Frames {
    /// Returns a splitter for messages of up to `max_message` bytes. Long ones come out of the
    /// budget.
    #[must_use]
    pub fn new(max_message: usize, budget: Option<Arc<BufferBudget>>) -> Self {
        let eviction = Arc::<Notify>::default();
        let config = WebSocketConfig::default()
            .read_buffer_size(IDLE_CAPACITY)
            .write_buffer_size(0)
            .max_frame_size(Some(max_message))
            .max_message_size(Some(max_message));
        Self {
            buffer: vec![0; CHUNK],
            filled: 0..0,
            wiped: 0,
            frame_rest: 0,
            inside_message: false,
            closing: false,
            protocol: WebSocketContext::new(Role::Server, Some(config)),
            config,
            replies: Vec::new(),
            pong: 0..0,
            message: Unfinished::default(),
            share: Share::evictable(budget, Arc::clone(&eviction)),
            eviction,
        }
    }

    /// Returns the buffer to read into. Never empty.
    pub fn space(&mut self) -> &mut [u8] {
        if self.filled.end == self.buffer.len() {
            // At most the beginning of a header is left unhandled.
            let length = self.filled.len();
            self.buffer.copy_within(self.filled.clone(), 0);
            wipe(self.buffer.get_mut(length..).unwrap_or_default());
            self.filled = 0..length;
            self.wiped = 0;
        }
        self.buffer.get_mut(self.filled.end..).unwrap_or_default()
    }

    /// Marks `count` bytes as read.
    pub fn filled(&mut self, count: usize) {
        self.filled.end += count;
    }

    /// Returns the next piece, if one is complete. None follows the end.
    pub fn next_piece(&mut self) -> Option<Piece> {
        if self.share.is_evicted() {
            return Some(self.overload());
        }
        loop {
            let rest = self.buffer.get(self.filled.clone()).unwrap_or_default();
            if self.frame_rest == 0 {
                let mut header = Cursor::new(rest);
                match FrameHeader::parse(&mut header) {
                    Ok(None) => return None,
                    Ok(Some((frame, length))) => {
                        let whole = header.position().saturating_add(length);
                        self.frame_rest = usize::try_from(whole).unwrap_or(usize::MAX);
                        // The library refuses one that is longer, and keeps nothing of it.
                        let length = usize::try_from(length).unwrap_or(usize::MAX);
                        if self.config.max_frame_size >= Some(length) {
                            self.message.begin_frame(&frame, length);
                        }
                        if !self.share.resize(self.message.size()) {
                            return Some(self.overload());
                        }
                    }
                    Err(_) => return Some(self.broken()),
                }
            }
            let count = self.frame_rest.min(rest.len());
            if count == 0 {
                return None;
            }
            let before = self.replies.len();
            let mut ends = Ends {
                input: rest.get(..count).unwrap_or_default(),
                output: &mut self.replies,
            };
            let read = self.protocol.read(&mut ends);
            // Sends replies to pings and to the close frame; a closed connection is not an error.
            drop(self.protocol.flush(&mut ends));
            self.filled.start += count;
            self.frame_rest -= count;
            if matches!(read, Ok(Message::Ping(_))) {
                self.bound_pongs(before);
            }
            if let Some(piece) = self.classify(read) {
                return Some(piece);
            }
        }
    }

    /// Returns what the input takes of the budget.
    pub(crate) const fn share(&self) -> &Share {
        &self.share
    }

    /// Returns what is notified when the share is evicted.
    pub(crate) fn eviction(&self) -> Arc<Notify> {
        Arc::clone(&self.eviction)
    }

    /// Drops the previous pong if many are queued. `written_at` is where the newest begins.
    fn bound_pongs(&mut self, written_at: usize) {
        if written_at < MAX_PONGS {
            self.pong = written_at..self.replies.len();
            return;
        }
        let outdated = mem::replace(&mut self.pong, written_at..self.replies.len());
        self.pong.start -= outdated.len();
        self.pong.end -= outdated.len();
        self.replies.drain(outdated);
    }

    fn classify(&mut self, read: Result<Message, Error>) -> Option<Piece> {
        match read {
            Ok(Message::Text(text)) => Some(Piece::Text(self.whole(text.into()))),
            Ok(Message::Binary(bytes)) => Some(Piece::Binary(self.whole(bytes))),
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => None,
            Ok(Message::Close(_)) | Err(Error::ConnectionClosed | Error::AlreadyClosed) => {
                self.closing = true;
                self.forget();
                Some(Piece::Over(None))
            }
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                self.inside_message = true;
                None
            }
            Err(Error::Capacity(_)) => Some(self.refuse(CloseCode::Size, "message too long")),
            Err(Error::Utf8(_)) => Some(self.refuse(CloseCode::Invalid, "text is not UTF-8")),
            Err(_) => Some(self.broken()),
        }
    }

    /// Frees the memory of a message. It holds nothing else: only the message's frames were passed
    /// to the library.
    fn whole(&mut self, content: Bytes) -> Received {
        self.inside_message = false;
        self.message = Unfinished::default();
        self.renew();
        Received(content)
    }

    fn renew(&mut self) {
        self.protocol = WebSocketContext::new(Role::Server, Some(self.config));
    }

    fn overload(&mut self) -> Piece {
        self.refuse(CloseCode::Again, "server overloaded; try again later")
    }

    fn broken(&mut self) -> Piece {
        self.refuse(CloseCode::Protocol, "not the WebSocket protocol")
    }

    /// Closes the connection because of invalid input.
    pub fn refuse(&mut self, code: CloseCode, reason: &'static str) -> Piece {
        self.forget();
        self.close(code, reason);
        Piece::Over(Some(code))
    }

    /// Wipes the input read so far. The peer decides how long closing takes, and later input is
    /// ignored.
    pub(crate) fn forget(&mut self) {
        self.renew();
        self.message = Unfinished::default();
        self.share.resize(0);
        wipe(&mut self.buffer);
        self.filled = 0..0;
        self.wiped = 0;
    }

    /// Queues a close frame, unless either side has sent one.
    pub fn close(&mut self, code: CloseCode, reason: &'static str) {
        if mem::replace(&mut self.closing, true) {
            return;
        }
        let mut ends = Ends {
            input: &[],
            output: &mut self.replies,
        };
        let frame = CloseFrame {
            code,
            reason: Utf8Bytes::from_static(reason),
        };
        // Writing to a vector cannot fail.
        drop(self.protocol.close(&mut ends, Some(frame)));
    }

    /// Wipes handled bytes. Call it when the pieces found are dealt with.
    pub fn wipe_handled(&mut self) {
        let handled = self.wiped..self.filled.start;
        wipe(self.buffer.get_mut(handled).unwrap_or_default());
        self.wiped = self.filled.start;
        if self.message.is_empty() {
            self.share.resize(0);
        }
        if self.filled.is_empty() {
            self.filled = 0..0;
            self.wiped = 0;
        }
    }

    /// Returns whether a message has begun and not ended.
    #[must_use]
    pub const fn is_inside_message(&self) -> bool {
        self.inside_message
    }

    /// Appends the control frames to send to `bytes`.
    pub fn take_replies(&mut self, bytes: &mut Vec<u8>) {
        bytes.append(&mut self.replies);
        self.pong = 0..0;
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        self.buffer.zeroize();
    }
}

/// Appends a message in one unmasked frame, as a server sends it.
pub fn frame(kind: Data, content: &[u8], bytes: &mut Vec<u8>) {
    frame_header(kind, content.len(), bytes);
    bytes.extend_from_slice(content);
}

/// Appends the header of such a frame.
pub(crate) fn frame_header(kind: Data, length: usize, bytes: &mut Vec<u8>) {
    let header = FrameHeader {
        opcode: OpCode::Data(kind),
        ..FrameHeader::default()
    };
    // Writing to a vector cannot fail.
    drop(header.format(length as u64, bytes));
}

/// The two ends that the library reads from and writes to.
struct Ends<'a> {
    input: &'a [u8],
    output: &'a mut Vec<u8>,
}

impl io::Read for Ends<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.input.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.input.read(buffer)
    }
}

impl io::Write for Ends<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
