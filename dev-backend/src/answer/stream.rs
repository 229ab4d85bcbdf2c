//! A response body that is sent in pieces, each flushed on its own, mainly server-sent events.

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

/// The body of a response that is sent in pieces.
pub(crate) struct EventStream {
    pieces: Pieces,
    wait: Wait,
    pacing: Pacing,
    /// The rest of the piece that is being sent byte by byte.
    dripping: Bytes,
}

/// The timing of the pieces, and what follows the last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pacing {
    /// The delay between two events.
    pub(crate) pause: Duration,
    /// The delay between two bytes; zero sends whole pieces.
    pub(crate) drip: Duration,
    pub(crate) ending: Ending,
    /// How long a silent stream stays open; `None` is for ever.
    pub(crate) idle_limit: Option<Duration>,
}

impl Default for Pacing {
    fn default() -> Self {
        Self {
            pause: Duration::ZERO,
            drip: Duration::ZERO,
            ending: Ending::Finish,
            idle_limit: None,
        }
    }
}

/// The pieces, in order.
pub(crate) enum Pieces {
    Listed(VecDeque<Bytes>),
    Endless(EndlessPieces),
}

impl Pieces {
    /// Returns server-sent events, each a piece.
    pub(crate) fn events(events: &[Value]) -> Self {
        Self::Listed(events.iter().map(frame).collect())
    }

    fn next(&mut self) -> Option<Bytes> {
        match self {
            Self::Listed(pieces) => pieces.pop_front(),
            Self::Endless(pieces) => pieces.next(),
        }
    }

    fn is_over(&self) -> bool {
        matches!(self, Self::Listed(pieces) if pieces.is_empty())
    }
}

/// The wait between the last piece and the next.
enum Wait {
    Nothing,
    /// One iteration of the connection: it flushes when the body is pending.
    Flush,
    Pause(Pin<Box<Sleep>>),
}

impl EventStream {
    pub(crate) const fn new(pieces: Pieces, pacing: Pacing) -> Self {
        Self {
            pieces,
            wait: Wait::Nothing,
            pacing,
            dripping: Bytes::new(),
        }
    }

    /// Returns the next bytes, and the delay after them.
    fn next(&mut self) -> Option<(Bytes, Duration)> {
        if self.pacing.drip.is_zero() {
            let piece = self.pieces.next()?;
            let is_last = self.pieces.is_over();
            return Some((
                piece,
                if is_last {
                    Duration::ZERO
                } else {
                    self.pacing.pause
                },
            ));
        }
        while self.dripping.is_empty() {
            self.dripping = self.pieces.next()?;
        }
        Some((self.dripping.split_to(1), self.pacing.drip))
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
        match (self.pacing.ending, self.pacing.idle_limit.take()) {
            (Ending::Finish, _) => Poll::Ready(None),
            (Ending::Drop, _) => Poll::Ready(Some(Err(Dropped))),
            (Ending::Hang, None) => Poll::Pending,
            (Ending::Hang, Some(limit)) => {
                self.pacing.ending = Ending::Drop;
                self.wait = Wait::Pause(Box::pin(tokio::time::sleep(limit)));
                self.poll_frame(cx)
            }
        }
    }
}
