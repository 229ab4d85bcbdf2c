//! Message framing: one JSON text per line, or `Content-Length` frames as in the Language Server
//! Protocol.
//!
//! Detected from the first bytes of the peer. A line cannot be taken for a header, because a JSON
//! message begins with a brace.

use std::io::Write as _;

use byokey_protocol::scan::find_byte;
use memchr::{memchr2_iter, memmem};

/// Longest header block of a `Content-Length` frame, in bytes.
const MAX_HEADER: usize = 4096;
/// The first bytes of every header block of the Language Server Protocol.
const HEADER_PREFIX: &[u8] = b"content-";
/// A byte order mark, which some runtimes write first.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// How messages are delimited on a stream of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// One JSON text per line.
    #[default]
    Lines,
    /// A header block with the length, an empty line, and the JSON text.
    ContentLength,
}

/// What is found at the beginning of the bytes read so far. `skip` counts the bytes before it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Not enough to decide. The first `skip` bytes can be discarded.
    Incomplete { skip: usize },
    /// A message of `length` bytes, followed by `after` bytes that belong to its frame.
    Message {
        skip: usize,
        length: usize,
        after: usize,
    },
    /// A message longer than the limit begins; the splitter discards it from here on.
    TooLong { skip: usize, discard: Discard },
    /// An invalid header block; the splitter looks for the next one behind `skip` bytes.
    BadHeader { skip: usize },
}

/// How much of the stream is discarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Discard {
    /// Up to and including the next line break.
    Line,
    /// This many bytes.
    Bytes(usize),
    /// Up to what looks like the next header block.
    ToHeader,
}

impl Framing {
    /// Ends the frame of the message that begins at `start` and ends with the buffer.
    pub(crate) fn close_message(self, bytes: &mut Vec<u8>, start: usize) {
        match self {
            Self::Lines => bytes.push(b'\n'),
            Self::ContentLength => {
                let length = bytes.len() - start;
                let end = bytes.len();
                // Writing to a vector cannot fail.
                drop(write!(bytes, "Content-Length: {length}\r\n\r\n"));
                let header = bytes.len() - end;
                if let Some(message) = bytes.get_mut(start..) {
                    message.rotate_right(header);
                }
            }
        }
    }

    /// Returns the framing that the stream begins with, once it is known.
    pub(crate) fn detect(bytes: &[u8]) -> Option<Self> {
        let begin = bytes.get(blanks(bytes)..)?;
        if is_part_of_mark(begin) {
            return None;
        }
        let known = begin.len().min(HEADER_PREFIX.len());
        if !begin
            .iter()
            .zip(HEADER_PREFIX)
            .all(|(byte, prefix)| byte.eq_ignore_ascii_case(prefix))
        {
            return Some(Self::Lines);
        }
        (known == HEADER_PREFIX.len()).then_some(Self::ContentLength)
    }

    /// Finds the next message. The first `searched` bytes are known to contain no line break.
    pub(crate) fn find(self, bytes: &[u8], searched: usize, limit: usize) -> Found {
        match self {
            Self::Lines => find_line(bytes, searched, limit),
            Self::ContentLength => find_frame(bytes, limit),
        }
    }
}

fn find_line(bytes: &[u8], searched: usize, limit: usize) -> Found {
    let newline = bytes
        .get(searched..)
        .and_then(|rest| find_byte(b'\n', rest));
    match newline.map(|at| at + searched) {
        Some(length) if length > limit => Found::TooLong {
            skip: 0,
            discard: Discard::Line,
        },
        Some(length) => Found::Message {
            skip: 0,
            length,
            after: 1,
        },
        None if bytes.len() > limit => Found::TooLong {
            skip: 0,
            discard: Discard::Line,
        },
        None => Found::Incomplete { skip: 0 },
    }
}

fn find_frame(bytes: &[u8], limit: usize) -> Found {
    let skip = blanks(bytes);
    let rest = bytes.get(skip..).unwrap_or_default();
    if is_part_of_mark(rest) {
        return Found::Incomplete { skip };
    }
    // Checked first, so that the outcome does not depend on how much has arrived.
    if !could_be_header(rest) {
        return Found::BadHeader { skip: skip + 1 };
    }
    let window = rest.get(..MAX_HEADER).unwrap_or(rest);
    let Some(block) = memmem::find(window, b"\r\n\r\n") else {
        return if rest.len() > MAX_HEADER {
            Found::BadHeader { skip: skip + 1 }
        } else {
            Found::Incomplete { skip }
        };
    };
    let (header, body) = (window.get(..block).unwrap_or_default(), block + 4);
    match content_length(header) {
        None => Found::BadHeader { skip: skip + 1 },
        Some(length) if length > limit => Found::TooLong {
            skip: skip + body,
            discard: Discard::Bytes(length),
        },
        Some(length) if rest.len() < body + length => Found::Incomplete { skip },
        Some(length) => Found::Message {
            skip: skip + body,
            length,
            after: 0,
        },
    }
}

/// Returns how many bytes precede a possible header block, and whether it is complete enough to be
/// certain.
///
/// A header block may begin anywhere: after a body with a wrong length there is no line break.
pub(crate) fn before_header(bytes: &[u8]) -> (usize, bool) {
    let begins = |at: usize| could_be_header(bytes.get(at..).unwrap_or_default());
    let at = memchr2_iter(b'c', b'C', bytes).find(|at| begins(*at));
    match at {
        Some(at) => (at, bytes.len() - at >= HEADER_PREFIX.len()),
        None => (bytes.len(), false),
    }
}

/// Returns whether these bytes are a prefix of a header block.
fn could_be_header(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .zip(HEADER_PREFIX)
        .all(|(byte, prefix)| byte.eq_ignore_ascii_case(prefix))
}

fn content_length(header: &[u8]) -> Option<usize> {
    let mut length = None;
    for line in std::str::from_utf8(header).ok()?.split("\r\n") {
        let (name, value) = line.split_once(':')?;
        if name.trim().eq_ignore_ascii_case("content-length") {
            let value = value.trim();
            if length.is_some() || !value.bytes().all(|digit| digit.is_ascii_digit()) {
                return None;
            }
            length = Some(value.parse().ok()?);
        }
    }
    length
}

/// Returns whether these bytes are an incomplete byte order mark.
fn is_part_of_mark(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(bytes)
}

/// Returns the length of the leading white space and byte order marks.
fn blanks(bytes: &[u8]) -> usize {
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        if rest.starts_with(BYTE_ORDER_MARK) {
            at += BYTE_ORDER_MARK.len();
        } else if rest.first().is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        } else {
            return at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Discard, Found, Framing, before_header};

    #[test]
    fn the_framing_shows_in_the_first_bytes() {
        let detect = |text: &str| Framing::detect(text.as_bytes());
        assert_eq!(detect(" \n{\"id\":1"), Some(Framing::Lines));
        assert_eq!(detect("\u{feff}{"), Some(Framing::Lines));
        assert_eq!(detect("garbage"), Some(Framing::Lines));
        assert_eq!(detect("Cont"), None);
        assert_eq!(detect(""), None);
        assert_eq!(detect("Cat"), Some(Framing::Lines));
        assert_eq!(
            detect("\r\nCONTENT-LENGTH: 3"),
            Some(Framing::ContentLength)
        );
    }

    #[test]
    fn a_frame_is_found_behind_its_header() {
        let find = |text: &str| Framing::ContentLength.find(text.as_bytes(), 0, 10);
        assert_eq!(
            find("Content-Type: x\r\ncontent-length: 2\r\n\r\n{}"),
            Found::Message {
                skip: 38,
                length: 2,
                after: 0
            }
        );
        assert_eq!(
            find("Content-Length: 2\r\n\r\n{"),
            Found::Incomplete { skip: 0 }
        );
        assert_eq!(find("Content-Length: 2\r"), Found::Incomplete { skip: 0 });
        assert_eq!(
            find("Content-Length: 11\r\n\r\n"),
            Found::TooLong {
                skip: 22,
                discard: Discard::Bytes(11)
            }
        );
    }

    #[test]
    fn a_bad_header_is_distinguished_from_an_incomplete_one() {
        let find = |text: &str| Framing::ContentLength.find(text.as_bytes(), 0, 10);
        for bad in [
            "Content-Length: x\r\n\r\n",
            "Content-Length: -1\r\n\r\n",
            "Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
            "nonsense\r\n",
            "th: 9\r\nContent-Length: 2\r\n\r\n{}",
            "x",
        ] {
            assert_eq!(find(bad), Found::BadHeader { skip: 1 }, "{bad}");
        }
        // An incomplete byte order mark is not counted.
        for some in [&b"\xEF"[..], b"\r\n\xEF\xBB"] {
            assert_eq!(Framing::detect(some), None);
            let found = Framing::ContentLength.find(some, 0, 10);
            assert!(matches!(found, Found::Incomplete { .. }), "{found:?}");
        }
        assert_eq!(before_header(b"nonsense"), (8, false));
        assert_eq!(before_header(b"nonsense Con"), (9, false));
        assert_eq!(before_header(b"\"}}content-length: 2"), (3, true));
    }

    #[test]
    fn outgoing_messages_are_closed_in_their_framing() {
        let close = |framing: Framing| {
            let mut bytes = b"before{}".to_vec();
            framing.close_message(&mut bytes, 6);
            String::from_utf8(bytes).unwrap()
        };
        assert_eq!(close(Framing::Lines), "before{}\n");
        assert_eq!(
            close(Framing::ContentLength),
            "beforeContent-Length: 2\r\n\r\n{}"
        );
    }
}
