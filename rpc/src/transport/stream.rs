//! Serves one connection over a byte stream until one side ends it.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::watch;
use zeroize::{Zeroize as _, Zeroizing};

use crate::codec::{Codec, FramedCodec, Progress};
use crate::ended::Ended;
use crate::handler::MessageHandler;
use crate::limits::Limits;
use crate::outbox::Outbox;

/// How long requests in flight may take after the end of input.
const DRAIN_TIME: Duration = Duration::from_secs(5);
/// How long a peer may read nothing after its input has ended.
const STALL_TIME: Duration = Duration::from_secs(5);

/// Set to true to end connections.
pub type Shutdown = watch::Receiver<bool>;

/// Serves one connection over a stream of lines or `Content-Length` frames.
pub async fn serve<R, W, H>(
    reader: R,
    writer: W,
    handler: H,
    limits: Limits,
    shutdown: Shutdown,
) -> Ended
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
    H: MessageHandler,
{
    let codec = FramedCodec::new(&limits);
    let unlimited = std::future::pending();
    serve_codec(reader, writer, codec, handler, limits, shutdown, unlimited).await
}

/// Serves one connection, until `expiry` at the latest.
pub(crate) async fn serve_codec<R, W, C, H>(
    reader: R,
    writer: W,
    codec: C,
    mut handler: H,
    limits: Limits,
    mut shutdown: Shutdown,
    expiry: impl Future<Output = ()>,
) -> Ended
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
    C: Codec,
    H: MessageHandler,
{
    let outbox = Arc::clone(handler.outbox());
    handler.bound(&limits);
    let mut stream = Stream {
        reader,
        writer,
        codec,
        writing: Written::default(),
        high_water: limits.high_water,
    };
    let conversation = async {
        match stream.converse(&mut handler).await {
            Ok(()) if C::HALF_CLOSES => stream.drain(&handler).await,
            Ok(()) => Ended::EndOfInput,
            Err(_) => Ended::PeerGone,
        }
    };
    let ended = tokio::select! {
        biased;
        ended = conversation => ended,
        // The shutdown's sender is gone; the connection goes on.
        Ok(_) = shutdown.wait_for(|shutdown| *shutdown) => Ended::Shutdown,
        () = outbox.overflowed() => Ended::PeerTooSlow,
        () = outbox.hung_up() => Ended::Shutdown,
        () = expiry => Ended::Expired,
    };
    if matches!(ended, Ended::Shutdown | Ended::Expired) {
        handler.give_up();
    }
    if matches!(ended, Ended::EndOfInput | Ended::Shutdown | Ended::Expired) {
        // A peer that does not read at once gets nothing more.
        let closed = stream.close(&outbox, ended);
        drop(tokio::time::timeout(limits.close_timeout, closed).await);
    }
    ended
}

struct Stream<R, W, C> {
    reader: R,
    writer: W,
    codec: C,
    writing: Written,
    high_water: usize,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin, C: Codec> Stream<R, W, C> {
    /// Reads and writes until the end of input, or until the peer stops reading.
    async fn converse(&mut self, handler: &mut impl MessageHandler) -> io::Result<()> {
        let outbox = Arc::clone(handler.outbox());
        let eviction = self.codec.eviction();
        let mut progress = Progress::NeedsMore;
        loop {
            self.refill(&outbox);
            let unsent = self.writing.rest().len() + self.codec.unsent();
            let has_capacity = unsent + outbox.len() < self.high_water;
            let is_evictable = self.codec.is_evictable();
            match progress {
                Progress::Took if has_capacity => {
                    progress = self.receive(handler);
                    continue;
                }
                Progress::Over => break,
                Progress::Took | Progress::NeedsMore => {}
            }
            let read = tokio::select! {
                biased;
                written = self.writer.write(self.writing.rest()), if !self.writing.is_empty() => {
                    self.writing.advance(written?);
                    continue;
                }
                read = self.reader.read(self.codec.space()), if has_capacity => read,
                () = outbox.filled(), if self.writing.is_empty() => continue,
                () = eviction.notified(), if is_evictable => {
                    if has_capacity && progress == Progress::NeedsMore {
                        progress = self.receive(handler);
                    } else if self.codec.is_evicted() {
                        // What it keeps are messages that wait for it to read.
                        outbox.give_up();
                    }
                    continue;
                }
            };
            match read {
                Ok(0) => break,
                Ok(count) => self.codec.filled(count),
                // A reset connection is treated like a closed one.
                Err(_) => break,
            }
            progress = self.receive(handler);
        }
        if self.codec.is_inside_message() {
            tracing::warn!("the input ended inside a message; it was not executed");
        }
        self.codec.forget();
        Ok(())
    }

    /// Handles the messages in the buffer while the outbox has capacity: one read can contain
    /// thousands of requests, and their responses are larger.
    fn receive(&mut self, handler: &mut impl MessageHandler) -> Progress {
        let mut progress = Progress::Took;
        while progress == Progress::Took && handler.outbox().len() < self.high_water {
            progress = self.codec.take_one(handler);
        }
        self.codec.wipe_handled();
        progress
    }

    /// Waits for requests in flight with a deadline, then answers the rest with an error.
    async fn drain(&mut self, handler: &impl MessageHandler) -> Ended {
        handler.end_of_input();
        let outbox = handler.outbox();
        let mut finished = pin!(tokio::time::timeout(DRAIN_TIME, handler.drained()));
        loop {
            self.refill(outbox);
            tokio::select! {
                biased;
                _ = &mut finished => break,
                written = write_some(&mut self.writer, self.writing.rest()),
                    if !self.writing.is_empty() => match written {
                        Ok(count) => self.writing.advance(count),
                        Err(_) => return Ended::PeerGone,
                    },
                () = outbox.filled(), if self.writing.is_empty() => {}
            }
        }
        handler.give_up();
        match self.write_out(outbox).await {
            Ok(()) => Ended::EndOfInput,
            Err(_) => Ended::PeerGone,
        }
    }

    /// Writes queued messages and closes the connection gracefully.
    async fn close(&mut self, outbox: &Outbox, ended: Ended) -> io::Result<()> {
        self.codec.close(ended);
        self.write_out(outbox).await?;
        self.writer.shutdown().await?;
        if !C::HALF_CLOSES {
            // Closing a TCP connection with unread input discards sent data.
            let mut unread = Zeroizing::new([0; 1024]);
            while self.reader.read(&mut *unread).await? > 0 {
                unread.zeroize();
            }
        }
        Ok(())
    }

    async fn write_out(&mut self, outbox: &Outbox) -> io::Result<()> {
        loop {
            self.refill(outbox);
            if self.writing.is_empty() {
                return tokio::time::timeout(STALL_TIME, self.writer.flush()).await?;
            }
            let written = write_some(&mut self.writer, self.writing.rest()).await?;
            self.writing.advance(written);
        }
    }

    /// Takes the queued messages once everything before is written.
    fn refill(&mut self, outbox: &Outbox) {
        if self.writing.is_empty() {
            self.codec.send(outbox, &mut self.writing.bytes);
            self.writing.done = 0;
        }
    }
}

/// Writes to a peer after the end of its input. A peer that reads nothing at all counts as gone.
async fn write_some(writer: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<usize> {
    tokio::time::timeout(STALL_TIME, writer.write(bytes)).await?
}

/// The bytes being written. They are wiped afterwards.
#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    done: usize,
}

impl Written {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.done..).unwrap_or_default()
    }

    fn is_empty(&self) -> bool {
        self.rest().is_empty()
    }

    fn advance(&mut self, count: usize) {
        self.done += count;
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}
