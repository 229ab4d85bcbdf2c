//! A connection that fails when the server speaks before it was asked.
//!
//! What arrives before the request could be taken for its answer. HTTP/1.1 servers have nothing to
//! say then; those of HTTP/2 send the frames that manage
//! the connection.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};

/// How much may arrive before the request. Ordinary servers send less than 100 bytes.
const MAX_EARLY: usize = 16 * 1024;

/// A connection that is watched until it is taken.
pub(super) struct Watched<C> {
    io: C,
    early: Early,
    is_taken: Arc<AtomicBool>,
}

/// What arrived before the request.
enum Early {
    /// HTTP/1.1: nothing may.
    Http1,
    /// HTTP/2: some frames may.
    Http2(Frames),
}

impl<C> Watched<C> {
    pub(super) fn new(io: C, is_http2: bool, is_taken: Arc<AtomicBool>) -> Self {
        let early = if is_http2 {
            Early::Http2(Frames::default())
        } else {
            Early::Http1
        };
        Self {
            io,
            early,
            is_taken,
        }
    }
}

impl Early {
    fn is_in_order(&mut self, bytes: &[u8]) -> bool {
        match self {
            Self::Http1 => bytes.is_empty(),
            Self::Http2(frames) => frames.add(bytes),
        }
    }
}

/// The frames of HTTP/2 so far (RFC 9113, section 4.1): 3 bytes of length, 1 of type, 5 more, and
/// the payload.
#[derive(Default)]
struct Frames {
    total: usize,
    header: [u8; 9],
    filled: usize,
    /// What is left of the payload.
    payload: usize,
}

impl Frames {
    /// Returns whether these are parts of frames that manage the connection.
    fn add(&mut self, bytes: &[u8]) -> bool {
        self.total += bytes.len();
        let mut rest = bytes;
        while !rest.is_empty() {
            let skipped = self.payload.min(rest.len());
            self.payload -= skipped;
            rest = &rest[skipped..];
            let copied = (self.header.len() - self.filled).min(rest.len());
            self.header[self.filled..][..copied].copy_from_slice(&rest[..copied]);
            self.filled += copied;
            rest = &rest[copied..];
            if self.filled == self.header.len() {
                // SETTINGS, PING, WINDOW_UPDATE.
                let [a, b, c, 4 | 6 | 8, ..] = self.header else {
                    return false;
                };
                self.filled = 0;
                self.payload = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
            }
        }
        self.total <= MAX_EARLY
    }
}

impl<C: Read + Unpin> Read for Watched<C> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.is_taken.load(Ordering::Acquire) {
            return Pin::new(&mut this.io).poll_read(cx, buffer);
        }
        let mut space = [0; 256];
        let room = space.len().min(buffer.remaining());
        let mut read = ReadBuf::new(&mut space[..room]);
        ready!(Pin::new(&mut this.io).poll_read(cx, read.unfilled()))?;
        if !this.early.is_in_order(read.filled()) {
            return Poll::Ready(Err(io::Error::other("the server spoke before its turn")));
        }
        buffer.put_slice(read.filled());
        Poll::Ready(Ok(()))
    }
}

impl<C: Write + Unpin> Write for Watched<C> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, pieces)
    }
}

#[cfg(test)]
mod tests {
    use super::{Early, Frames, MAX_EARLY};

    fn frame(kind: u8, length: u8) -> Vec<u8> {
        let mut frame = vec![0, 0, length, kind, 0, 0, 0, 0, 0];
        frame.resize(9 + usize::from(length), 0xaa);
        frame
    }

    #[test]
    fn frames_that_manage_the_connection_may_come_early_in_any_pieces() {
        let opening = [frame(4, 18), frame(8, 4), frame(4, 0), frame(6, 8)].concat();
        for size in [1, 2, 7, 9, 10, 64] {
            let mut frames = Frames::default();
            for piece in opening.chunks(size) {
                assert!(frames.add(piece), "pieces of {size}");
            }
            assert!(!frames.add(&frame(7, 8)), "GOAWAY");
        }
    }

    #[test]
    fn every_other_frame_is_out_of_order() {
        for kind in (0..=20).filter(|kind| ![4, 6, 8].contains(kind)) {
            let mut frames = Frames::default();
            assert!(frames.add(&frame(4, 6)));
            assert!(!frames.add(&frame(kind, 4)), "{kind}");
        }
    }

    #[test]
    fn no_more_than_so_much_may_come_early() {
        let mut frames = Frames::default();
        let pings = frame(6, 8);
        let allowed = MAX_EARLY / pings.len();
        assert!((0..allowed).all(|_| frames.add(&pings)));
        assert!(!frames.add(&pings));
    }

    #[test]
    fn before_a_request_of_http_1_nothing_may_come() {
        assert!(Early::Http1.is_in_order(b""));
        assert!(!Early::Http1.is_in_order(b"H"));
    }
}
