//! The frames of a WebSocket connection, and the messages that they make up.
//!
//! The WebSocket protocol itself is tungstenite's. It is given one frame at a time, out of a buffer
//! of ours that holds masked bytes only, and gets new memory after each message, so that it does
//! not retain a message in its buffer until the next one arrives.

use std::fmt;
use std::io::{self, Cursor};
use std::mem;
use std::ops::{Deref, Range};

use bytes::Bytes;
use tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tungstenite::protocol::frame::{CloseFrame, FrameHeader, Utf8Bytes};
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message};
use zeroize::Zeroize as _;

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
    /// Returns a splitter for messages of up to `max_message` bytes.
    #[must_use]
    pub fn new(max_message: usize) -> Self {
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
        loop {
            let rest = self.buffer.get(self.filled.clone()).unwrap_or_default();
            if self.frame_rest == 0 {
                let mut header = Cursor::new(rest);
                match FrameHeader::parse(&mut header) {
                    Ok(None) => return None,
                    Ok(Some((_, length))) => {
                        let whole = header.position().saturating_add(length);
                        self.frame_rest = usize::try_from(whole).unwrap_or(usize::MAX);
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
        self.renew();
        Received(content)
    }

    fn renew(&mut self) {
        self.protocol = WebSocketContext::new(Role::Server, Some(self.config));
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
    fn forget(&mut self) {
        self.renew();
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

    /// Returns the size of the control frames to send.
    #[must_use]
    pub const fn reply_bytes(&self) -> usize {
        self.replies.len()
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
    let header = FrameHeader {
        opcode: OpCode::Data(kind),
        ..FrameHeader::default()
    };
    // Writing to a vector cannot fail.
    drop(header.format(content.len() as u64, bytes));
    bytes.extend_from_slice(content);
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
mod tests {
    use std::io::Write as _;

    use tungstenite::protocol::frame::Frame;
    use tungstenite::protocol::frame::coding::Control;

    use super::{Data, FrameHeader, Frames, OpCode, Piece};

    /// Returns a masked frame, as a client sends it.
    fn masked(text: &[u8], opcode: OpCode, last: bool) -> Vec<u8> {
        let mut header = FrameHeader::default();
        (header.is_final, header.opcode, header.mask) = (last, opcode, Some([1, 2, 3, 4]));
        let frame = Frame::from_payload(header, text.to_vec().into());
        let mut bytes = Vec::new();
        frame.format(&mut bytes).unwrap();
        bytes
    }

    /// Feeds the input in pieces of `step` bytes; returns what it yields, and what goes back.
    fn split(input: &[u8], step: usize, limit: usize) -> (Vec<String>, Vec<u8>) {
        let mut frames = Frames::new(limit);
        let mut pieces = Vec::new();
        for mut chunk in input.chunks(step) {
            while !chunk.is_empty() {
                let mut space = frames.space();
                let count = space.write(chunk).unwrap();
                frames.filled(count);
                chunk = &chunk[count..];
                while let Some(piece) = frames.next_piece() {
                    match piece {
                        Piece::Text(text) => {
                            pieces.push(String::from_utf8(text.to_vec()).unwrap());
                        }
                        Piece::Binary(bytes) => pieces.push(format!("{:?}", &*bytes)),
                        Piece::Over(None) => pieces.push("closed".to_owned()),
                        Piece::Over(Some(code)) => {
                            pieces.push(format!("broken {}", u16::from(code)));
                            return (pieces, frames.replies.clone());
                        }
                    }
                }
                frames.wipe_handled();
            }
        }
        assert_eq!(frames.buffer.len(), super::CHUNK);
        (pieces, frames.replies.clone())
    }

    const TEXT: OpCode = OpCode::Data(Data::Text);
    const MORE: OpCode = OpCode::Data(Data::Continue);

    #[test]
    fn messages_come_out_whole_however_they_arrive() {
        let long = "x".repeat(40_000);
        let input = [
            masked(b"{1}", TEXT, true),
            masked(b"{2", TEXT, false),
            masked(b"ping", OpCode::Control(Control::Ping), true),
            masked(b",3}", MORE, true),
            masked(long.as_bytes(), TEXT, true),
            masked(b"", TEXT, true),
            masked(b"\x00\xff", OpCode::Data(Data::Binary), true),
            masked(b"{4}", TEXT, true),
        ]
        .concat();
        for step in [1, 2, 7, 1000, 100_000] {
            let (pieces, replies) = split(&input, step, 50_000);
            assert_eq!(
                pieces,
                ["{1}", "{2,3}", &long, "", "[0, 255]", "{4}"],
                "{step}"
            );
            assert_eq!(replies, b"\x8a\x04ping", "{step}");
        }
    }

    #[test]
    fn pongs_that_nothing_reads_do_not_pile_up() {
        let ping = |text: &[u8]| masked(text, OpCode::Control(Control::Ping), true);
        let input: Vec<u8> = (0..10_000).flat_map(|_| ping(&[b'x'; 125])).collect();
        let input = [input, ping(b"ping"), masked(b"{1}", TEXT, true)].concat();
        let (pieces, replies) = split(&input, 1000, 1000);
        assert_eq!(pieces, ["{1}"]);
        assert!(replies.len() <= super::MAX_PONGS + 2 * 127);
        assert!(replies.ends_with(b"\x8a\x04ping"));
    }

    #[test]
    fn what_breaks_the_protocol_ends_it_with_the_right_code() {
        let unmasked = b"\x81\x02{}".to_vec();
        for (input, code) in [
            (unmasked, "broken 1002"),
            (b"\xc1\x80abcd".to_vec(), "broken 1002"),
            (b"\x83\x80abcd".to_vec(), "broken 1002"),
            (masked(b"{}", MORE, true), "broken 1002"),
            (masked(b"\xff\xfe", TEXT, true), "broken 1007"),
            (masked(&[b'x'; 101], TEXT, true), "broken 1009"),
            (
                [
                    masked(&[b'x'; 60], TEXT, false),
                    masked(&[b'x'; 60], MORE, true),
                ]
                .concat(),
                "broken 1009",
            ),
            (
                b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xffabcd".to_vec(),
                "broken 1009",
            ),
        ] {
            assert_eq!(split(&input, 3, 100).0, [code], "{input:?}");
        }
    }

    #[test]
    fn a_closing_is_answered() {
        let bye = masked(
            &1000_u16.to_be_bytes(),
            OpCode::Control(Control::Close),
            true,
        );
        let (pieces, replies) = split(&bye, 100, 100);
        assert_eq!(pieces, ["closed"]);
        assert_eq!(replies, b"\x88\x02\x03\xe8");
    }

    #[test]
    fn nothing_of_a_message_stays() {
        let mut frames = Frames::new(1000);
        let input = [masked(b"{secret}", TEXT, true), masked(b"{ne", TEXT, false)].concat();
        frames.space()[..input.len()].copy_from_slice(&input);
        frames.filled(input.len());
        let Some(Piece::Text(message)) = frames.next_piece() else {
            panic!("a message");
        };
        assert!(message.0.is_unique(), "nobody else holds its memory");
        assert!(frames.next_piece().is_none());
        frames.wipe_handled();
        assert!(frames.buffer.iter().all(|byte| *byte == 0));
    }
}
