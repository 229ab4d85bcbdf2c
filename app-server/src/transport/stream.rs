//! Serves one connection over a stream of bytes, until one side is done.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use byokey_protocol::error::ErrorKind;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::watch;
use zeroize::Zeroize as _;

use super::splitter::{Piece, Splitter};
use crate::connection::Connection;
use crate::error::RequestError;
use crate::peers::{HIGH_WATER, Outbox};
use crate::services::Services;

/// How long the requests under way may still take after the end of input.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// Bounds of one connection.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest message, in bytes.
    pub max_message: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message: 4 * 1024 * 1024,
        }
    }
}

/// Tells connections to end.
pub type Shutdown = watch::Receiver<bool>;

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The peer closed its side, and everything it asked is answered.
    EndOfInput,
    /// The peer reads no more.
    PeerGone,
    /// We were told to.
    Shutdown,
}

/// Serves one connection.
pub async fn serve<R, W>(
    reader: R,
    writer: W,
    services: Arc<Services>,
    limits: Limits,
    mut shutdown: Shutdown,
) -> Ended
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut connection = Connection::open(services);
    let mut stream = Stream {
        reader,
        writer,
        splitter: Splitter::new(limits.max_message),
    };
    let conversation = async {
        match stream.converse(&mut connection).await {
            Ok(()) => stream.drain(&connection).await,
            Err(_) => Ended::PeerGone,
        }
    };
    tokio::select! {
        biased;
        ended = conversation => ended,
        // A sender that is gone can tell nothing more; the connection goes on.
        Ok(_) = shutdown.wait_for(|shutdown| *shutdown) => Ended::Shutdown,
    }
}

struct Stream<R, W> {
    reader: R,
    writer: W,
    splitter: Splitter,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Stream<R, W> {
    /// Reads and writes until the end of input, or until nobody reads.
    async fn converse(&mut self, connection: &mut Connection) -> io::Result<()> {
        let peer = Arc::clone(connection.peer());
        let mut writing = Written::default();
        loop {
            writing.refill(&peer.outbox);
            let may_read = writing.rest().len() + peer.outbox.len() < HIGH_WATER;
            let read = tokio::select! {
                biased;
                written = self.writer.write(writing.rest()), if !writing.rest().is_empty() => {
                    writing.advance(written?);
                    continue;
                }
                read = self.reader.read(self.splitter.space()), if may_read => read,
                () = peer.outbox.filled(), if writing.rest().is_empty() => continue,
            };
            match read {
                Ok(0) => break,
                Ok(count) => self.splitter.filled(count),
                // A reset connection has nothing more to say, like one that was closed.
                Err(_) => break,
            }
            self.receive(connection);
        }
        self.write_out(&mut writing, &peer.outbox).await?;
        connection.end_of_input();
        if self.splitter.is_inside_message() {
            tracing::warn!("the input ended inside a message; it was not executed");
        }
        Ok(())
    }

    fn receive(&mut self, connection: &mut Connection) {
        let unknown = self.splitter.framing().is_none();
        while let Some(piece) = self.splitter.next_piece() {
            if unknown && let Some(framing) = self.splitter.framing() {
                connection.peer().outbox.set_framing(framing);
            }
            match piece {
                Piece::Message(range) => connection.receive(self.splitter.bytes(range)),
                Piece::TooLong => connection.complain(RequestError::refused(
                    ErrorKind::MessageTooLong,
                    "Invalid request: the message is too long; see --max-message-bytes",
                )),
                Piece::BadHeader => connection.complain(RequestError::refused(
                    ErrorKind::BadFrame,
                    "Invalid request: the header must be `Content-Length: <bytes>`",
                )),
            }
        }
        self.splitter.wipe_handled();
    }

    /// Answers what is under way, for a while.
    async fn drain(&mut self, connection: &Connection) -> Ended {
        let outbox = &connection.peer().outbox;
        let mut writing = Written::default();
        let answers = async {
            let mut drained = pin!(connection.drained());
            loop {
                writing.refill(outbox);
                tokio::select! {
                    biased;
                    written = self.writer.write(writing.rest()), if !writing.rest().is_empty() => {
                        writing.advance(written?);
                    }
                    () = &mut drained => break,
                    () = outbox.filled(), if writing.rest().is_empty() => {}
                }
            }
            io::Result::Ok(())
        };
        let in_time = tokio::time::timeout(DRAIN_TIME, answers).await;
        let flushed = tokio::time::timeout(DRAIN_TIME, self.write_out(&mut writing, outbox)).await;
        match (in_time, flushed) {
            (Ok(Err(_)), _) | (_, Ok(Err(_))) => Ended::PeerGone,
            _ => Ended::EndOfInput,
        }
    }

    async fn write_out(&mut self, writing: &mut Written, outbox: &Outbox) -> io::Result<()> {
        loop {
            writing.refill(outbox);
            if writing.rest().is_empty() {
                return self.writer.flush().await;
            }
            let written = self.writer.write(writing.rest()).await?;
            writing.advance(written);
        }
    }
}

/// The bytes that are being written. They are wiped once they are out.
#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    done: usize,
}

impl Written {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.done..).unwrap_or_default()
    }

    fn advance(&mut self, count: usize) {
        self.done += count;
    }

    fn refill(&mut self, outbox: &Outbox) {
        if self.rest().is_empty() && !(self.bytes.is_empty() && outbox.is_empty()) {
            outbox.take(&mut self.bytes);
            self.done = 0;
        }
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}
