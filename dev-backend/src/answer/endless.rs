//! Endless responses, as from a broken or hostile sender.
//!
//! A client that reads these needs a limit for each, or runs out of memory.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::frame::frame;

/// Bytes of an endless token that are sent at once.
const BLOCK: usize = 64 * 1024;
/// The text of one delta.
const DELTA: usize = 1024;

/// The endless part.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Endless {
    /// A JSON document: one string. With the status of an error it is the error's message.
    Body,
    /// A JSON document: the elements of its lists.
    Elements,
    /// One line of one event.
    Line,
    /// The lines of one event, never ended by a blank line.
    Event,
    /// Comments.
    Comments,
    /// Events of an unknown type.
    Unknown,
    /// Deltas of one message.
    Deltas,
    /// Messages, each complete.
    Messages,
    /// `codex.rate_limits`, each for another limit.
    RateLimits,
}

impl Endless {
    /// Returns the bytes before the endless part.
    fn opening(self, is_error: bool) -> Bytes {
        match self {
            Self::Body if is_error => Bytes::from_static(b"{\"error\":{\"message\":\""),
            Self::Body => Bytes::from_static(b"{\"plan_type\":\""),
            Self::Elements => Bytes::from_static(b"{\"models\":[{\"slug\":\"m\"}"),
            Self::Line => {
                Bytes::from_static(b"data: {\"type\":\"response.output_text.delta\",\"delta\":\"")
            }
            Self::Deltas => frame(&json!({"type": "response.output_item.added",
                "item": {"type": "message", "role": "assistant", "id": "msg-endless"}})),
            _ => Bytes::new(),
        }
    }

    /// Returns the piece with this number of the endless part.
    fn piece(self, number: u64) -> Bytes {
        match self {
            Self::Body | Self::Line => "x".repeat(BLOCK).into(),
            Self::Elements => ",{\"slug\":\"m\"}".repeat(1024).into(),
            Self::Event => "data: x\n".repeat(BLOCK / 8).into(),
            Self::Comments => ": comment\n\n".repeat(1024).into(),
            Self::Unknown => frame(&json!({"type": "response.unknown", "sequence_number": number})),
            Self::Deltas => frame(&json!({"type": "response.output_text.delta",
                "item_id": "msg-endless", "delta": "x".repeat(DELTA)})),
            Self::Messages => frame(&message(number)),
            Self::RateLimits => frame(&json!({"type": "codex.rate_limits",
                "metered_limit_name": format!("limit_{number}"),
                "rate_limits": {"primary": {"used_percent": 1, "window_minutes": 300}}})),
        }
    }

    /// Returns whether it is a document rather than an event stream.
    pub(crate) const fn is_document(self) -> bool {
        matches!(self, Self::Body | Self::Elements)
    }
}

fn message(number: u64) -> Value {
    let content = json!([{"type": "output_text", "text": "x"}]);
    json!({"type": "response.output_item.done", "item": {"type": "message",
        "role": "assistant", "id": format!("msg-{number}"), "content": content}})
}

/// The pieces of an endless response.
#[derive(Debug)]
pub(crate) struct EndlessPieces {
    what: Endless,
    is_error: bool,
    sent: u64,
    /// The number of bytes that are still sent, if there is one.
    left: Option<usize>,
}

impl EndlessPieces {
    pub(crate) const fn new(what: Endless, is_error: bool, left: Option<usize>) -> Self {
        Self {
            what,
            is_error,
            sent: 0,
            left,
        }
    }

    /// Returns the next piece; `None` when no more is to be sent.
    pub(crate) fn next(&mut self) -> Option<Bytes> {
        let mut piece = self.whole_piece();
        if let Some(left) = &mut self.left {
            piece.truncate(*left);
            *left -= piece.len();
        }
        (!piece.is_empty()).then_some(piece)
    }

    fn whole_piece(&mut self) -> Bytes {
        let number = self.sent;
        self.sent = self.sent.saturating_add(1);
        let opening = self.what.opening(self.is_error);
        match number {
            0 if !opening.is_empty() => opening,
            number => self.what.piece(number),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{Endless, EndlessPieces};

    #[test]
    fn only_the_first_piece_opens() {
        let mut pieces = EndlessPieces::new(Endless::Line, false, Some(200_000));
        let opening = pieces.next().unwrap();
        assert!(opening.starts_with(b"data: {"));
        let rest: Vec<_> = std::iter::from_fn(|| pieces.next()).collect();
        assert!(rest.iter().flatten().all(|byte| *byte == b'x'));
        let sent = opening.len() + rest.iter().map(Bytes::len).sum::<usize>();
        assert_eq!(sent, 200_000);
        let mut pieces = EndlessPieces::new(Endless::RateLimits, false, None);
        assert_ne!(pieces.next(), pieces.next());
        let mut error = EndlessPieces::new(Endless::Body, true, None);
        assert!(error.next().unwrap().starts_with(b"{\"error\":"));
    }
}
