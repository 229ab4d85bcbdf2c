//! A response body that is sent in pieces, each flushed on its own: server-sent events above all.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame};
use serde_json::Value;
use tokio::time::Sleep;

use crate::answer::ending::{Dropped, Ending};
use crate::answer::endless::EndlessPieces;
use crate::answer::frame::frame;

/// The body of an answer that is sent in pieces.
pub(crate) struct EventStream {
    pieces: Pieces,
    pause: Duration,
    wait: Wait,
    ending: Ending,
    /// The pause between two bytes; zero sends whole pieces.
    drip: Duration,
    dripping: Bytes,
}

/// What is sent, one piece after the other.
pub(crate) enum Pieces {
    Listed(VecDeque<Bytes>),
    Endless(EndlessPieces),
}

impl Pieces {
    /// Server-sent events, each a piece.
    pub(crate) fn events(events: &[Value]) -> Self {
        Self::Listed(events.iter().map(frame).collect())
    }

    fn next(&mut self) -> Option<Bytes> {
        match self {
            Self::Listed(pieces) => pieces.pop_front(),
            Self::Endless(pieces) => Some(pieces.next()),
        }
    }

    fn is_over(&self) -> bool {
        matches!(self, Self::Listed(pieces) if pieces.is_empty())
    }
}

/// What stands between the last piece and the next.
enum Wait {
    Nothing,
    /// One round of the connection: it flushes what it has when the body has no more for now.
    Flush,
    Pause(Pin<Box<Sleep>>),
}

impl EventStream {
    pub(crate) const fn new(
        pieces: Pieces,
        pause: Duration,
        drip: Duration,
        ending: Ending,
    ) -> Self {
        Self {
            pieces,
            pause,
            wait: Wait::Nothing,
            ending,
            drip,
            dripping: Bytes::new(),
        }
    }

    /// The next bytes, and the pause after them.
    fn next(&mut self) -> Option<(Bytes, Duration)> {
        if self.drip.is_zero() {
            let piece = self.pieces.next()?;
            let is_last = self.pieces.is_over();
            return Some((piece, if is_last { Duration::ZERO } else { self.pause }));
        }
        while self.dripping.is_empty() {
            self.dripping = self.pieces.next()?;
        }
        Some((self.dripping.split_to(1), self.drip))
    }
}

impl Body for EventStream {
    type Data = Bytes;
    type Error = Dropped;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Dropped>>> {
        match &mut self.wait {
            Wait::Nothing => {}
            Wait::Flush => {
                self.wait = Wait::Nothing;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Wait::Pause(sleep) => {
                ready!(sleep.as_mut().poll(cx));
                self.wait = Wait::Nothing;
            }
        }
        if let Some((piece, pause)) = self.next() {
            self.wait = if pause.is_zero() {
                Wait::Flush
            } else {
                Wait::Pause(Box::pin(tokio::time::sleep(pause)))
            };
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match self.ending {
            Ending::Finish => Poll::Ready(None),
            Ending::Hang => Poll::Pending,
            Ending::Drop => Poll::Ready(Some(Err(Dropped))),
        }
    }
}
