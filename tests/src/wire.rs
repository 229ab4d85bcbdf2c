//! Framing of a host's messages.

use std::io;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The framing of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// One JSON text per line.
    #[default]
    Lines,
    /// `Content-Length` headers, as in the Language Server Protocol.
    ContentLength,
}

impl Framing {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Lines, Self::ContentLength];

    /// Returns the bytes of a message.
    #[must_use]
    pub fn frame(self, message: &str) -> Vec<u8> {
        match self {
            Self::Lines => format!("{message}\n").into_bytes(),
            Self::ContentLength => {
                format!("Content-Length: {}\r\n\r\n{message}", message.len()).into_bytes()
            }
        }
    }

    /// Returns the length of the first frame and the range of its message; `None` if it is
    /// incomplete.
    fn find(self, bytes: &[u8]) -> Option<(usize, std::ops::Range<usize>)> {
        match self {
            Self::Lines => {
                let end = bytes.iter().position(|byte| *byte == b'\n')?;
                Some((end + 1, 0..end))
            }
            Self::ContentLength => {
                let header = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
                let text = std::str::from_utf8(&bytes[..header]).expect("a header is text");
                let length = text.strip_prefix("Content-Length: ").expect("the header");
                let start = header + 4;
                let end = start + length.parse::<usize>().expect("a length");
                (end <= bytes.len()).then_some((end, start..end))
            }
        }
    }
}

/// Reads messages. Cancel-safe.
#[derive(Debug)]
pub(crate) struct Messages<R> {
    from: R,
    framing: Framing,
    buffer: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Messages<R> {
    pub(crate) fn new(from: R, framing: Framing) -> Self {
        Self {
            from,
            framing,
            buffer: Vec::new(),
        }
    }

    /// Returns the next message; `None` at the end.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Value>> {
        loop {
            if let Some((length, message)) = self.framing.find(&self.buffer) {
                let message = serde_json::from_slice(&self.buffer[message]);
                self.buffer.drain(..length);
                return Ok(Some(message.expect("a message is JSON")));
            }
            if self.from.read_buf(&mut self.buffer).await? == 0 {
                assert!(self.buffer.is_empty(), "the output ends inside a message");
                return Ok(None);
            }
        }
    }
}
