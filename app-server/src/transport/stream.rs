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
/// How long a peer may read nothing once its input has ended.
const STALL_TIME: Duration = Duration::from_secs(5);
/// How long a peer may take to read what it was not told yet when we are told to end.
const FAREWELL_TIME: Duration = Duration::from_millis(20);

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
        framing_is_told: false,
        writing: Written::default(),
    };
    let conversation = async {
        match stream.converse(&mut connection).await {
            Ok(()) => stream.drain(&connection).await,
            Err(_) => Ended::PeerGone,
        }
    };
    let ended = tokio::select! {
        biased;
        ended = conversation => ended,
        // A sender that is gone can tell nothing more; the connection goes on.
        Ok(_) = shutdown.wait_for(|shutdown| *shutdown) => Ended::Shutdown,
    };
    if ended == Ended::Shutdown {
        connection.give_up();
        let outbox = &connection.peer().outbox;
        // Whoever does not read at once hears nothing more.
        drop(tokio::time::timeout(FAREWELL_TIME, stream.write_out(outbox)).await);
    }
    ended
}

struct Stream<R, W> {
    reader: R,
    writer: W,
    splitter: Splitter,
    /// Whether the outbox knows how the peer frames.
    framing_is_told: bool,
    writing: Written,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Stream<R, W> {
    /// Reads and writes until the end of input, or until nobody reads.
    async fn converse(&mut self, connection: &mut Connection) -> io::Result<()> {
        let peer = Arc::clone(connection.peer());
        let mut more_in_buffer = false;
        loop {
            self.writing.refill(&peer.outbox);
            let has_room = self.writing.rest().len() + peer.outbox.len() < HIGH_WATER;
            if more_in_buffer && has_room {
                more_in_buffer = self.receive(connection);
                continue;
            }
            let read = tokio::select! {
                biased;
                written = self.writer.write(self.writing.rest()),
                    if !self.writing.rest().is_empty() =>
                {
                    self.writing.advance(written?);
                    continue;
                }
                read = self.reader.read(self.splitter.space()), if has_room => read,
                () = peer.outbox.filled(), if self.writing.rest().is_empty() => continue,
            };
            match read {
                Ok(0) => break,
                Ok(count) => self.splitter.filled(count),
                // A reset connection has nothing more to say, like one that was closed.
                Err(_) => break,
            }
            more_in_buffer = self.receive(connection);
        }
        if self.splitter.is_inside_message() {
            tracing::warn!("the input ended inside a message; it was not executed");
        }
        Ok(())
    }

    /// Takes the messages in the buffer, as long as their answers find room. Returns whether some
    /// may be left: one read can hold thousands of requests, and their answers are larger.
    fn receive(&mut self, connection: &mut Connection) -> bool {
        let mut has_room = true;
        while has_room && let Some(piece) = self.splitter.next_piece() {
            // The framing may have shown in an earlier read, with the header alone.
            if !self.framing_is_told
                && let Some(framing) = self.splitter.framing()
            {
                connection.peer().outbox.set_framing(framing);
                self.framing_is_told = true;
            }
            match piece {
                Piece::Message(range) => connection.receive(self.splitter.bytes(range)),
                Piece::TooLong => connection.skipped(RequestError::refused(
                    ErrorKind::MessageTooLong,
                    "Invalid request: the message is too long; see --max-message-bytes",
                )),
                Piece::BadHeader => connection.skipped(RequestError::refused(
                    ErrorKind::BadFrame,
                    "Invalid request: the header must be `Content-Length: <bytes>`",
                )),
            }
            has_room = connection.peer().outbox.len() < HIGH_WATER;
        }
        self.splitter.wipe_handled();
        !has_room
    }

    /// Answers what is under way, for a while; what is left then is answered with an error.
    async fn drain(&mut self, connection: &Connection) -> Ended {
        connection.end_of_input();
        let outbox = &connection.peer().outbox;
        let mut finished = pin!(tokio::time::timeout(DRAIN_TIME, connection.drained()));
        loop {
            self.writing.refill(outbox);
            tokio::select! {
                biased;
                _ = &mut finished => break,
                written = write_some(&mut self.writer, self.writing.rest()),
                    if !self.writing.rest().is_empty() => match written {
                        Ok(count) => self.writing.advance(count),
                        Err(_) => return Ended::PeerGone,
                    },
                () = outbox.filled(), if self.writing.rest().is_empty() => {}
            }
        }
        connection.give_up();
        match self.write_out(outbox).await {
            Ok(()) => Ended::EndOfInput,
            Err(_) => Ended::PeerGone,
        }
    }

    async fn write_out(&mut self, outbox: &Outbox) -> io::Result<()> {
        loop {
            self.writing.refill(outbox);
            if self.writing.rest().is_empty() {
                return self.writer.flush().await;
            }
            let written = write_some(&mut self.writer, self.writing.rest()).await?;
            self.writing.advance(written);
        }
    }
}

/// Writes to a peer whose input has ended. One that does not read at all is taken for gone.
async fn write_some(writer: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<usize> {
    tokio::time::timeout(STALL_TIME, writer.write(bytes)).await?
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
