//! A thread writes to descriptors without readiness notification.

use std::io::{self, Write};
use std::pin::Pin;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;
use tokio::sync::mpsc;
use zeroize::{Zeroize as _, Zeroizing};

/// Most bytes handed to the thread at once.
const CHUNK: usize = 64 * 1024;

/// The one buffer, passed to the thread and back. It is wiped after writing.
type Chunk = Zeroizing<Vec<u8>>;

/// A descriptor written by a thread.
#[derive(Debug)]
pub(crate) struct ThreadedWriter {
    to_write: SyncSender<Chunk>,
    written: mpsc::Receiver<io::Result<Chunk>>,
    /// The buffer, unless the thread has it.
    idle: Option<Chunk>,
}

impl ThreadedWriter {
    pub(crate) fn new(target: impl Write + Send + 'static) -> io::Result<Self> {
        let (to_write, chunks) = sync_channel(1);
        let (done, written) = mpsc::channel(1);
        // The thread is not joined: it may block on a reader for ever, and ends with the process.
        std::thread::Builder::new()
            .name("stdout".to_owned())
            .spawn(move || write_all(target, &chunks, &done))?;
        Ok(Self {
            to_write,
            written,
            idle: Some(Zeroizing::new(Vec::with_capacity(CHUNK))),
        })
    }

    /// Waits until the thread has written the buffer.
    fn poll_idle(&mut self, context: &mut Context<'_>) -> Poll<io::Result<&mut Chunk>> {
        if self.idle.is_none() {
            let written = ready!(self.written.poll_recv(context));
            self.idle = Some(written.unwrap_or_else(|| Err(io::ErrorKind::BrokenPipe.into()))?);
        }
        Poll::Ready(Ok(self.idle.get_or_insert_default()))
    }
}

fn write_all(
    mut target: impl Write,
    chunks: &Receiver<Chunk>,
    done: &mpsc::Sender<io::Result<Chunk>>,
) {
    for mut chunk in chunks {
        let written = target.write_all(&chunk).and_then(|()| target.flush());
        wipe(&mut chunk);
        let is_broken = written.is_err();
        if done.blocking_send(written.map(|()| chunk)).is_err() || is_broken {
            return;
        }
    }
}

/// Wipes the buffer and retains its capacity.
fn wipe(chunk: &mut Chunk) {
    chunk.as_mut_slice().zeroize();
    chunk.clear();
}

impl AsyncWrite for ThreadedWriter {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let chunk = ready!(self.poll_idle(context))?;
        let taken = bytes.get(..CHUNK).unwrap_or(bytes);
        chunk.extend_from_slice(taken);
        if let Some(chunk) = self.idle.take() {
            let sent = self.to_write.try_send(chunk);
            sent.map_err(|_| io::ErrorKind::BrokenPipe)?;
        }
        Poll::Ready(Ok(taken.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_idle(context))?;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read as _, Write};
    use std::time::Duration;

    use tokio::io::AsyncWriteExt as _;

    use super::{CHUNK, ThreadedWriter};

    #[tokio::test]
    async fn everything_arrives_in_order() {
        let (mut reader, writer) = io::pipe().unwrap();
        let sent: Vec<u8> = (0..5 * CHUNK).map(|at| (at % 251) as u8).collect();
        let reading = std::thread::spawn(move || {
            let mut read = Vec::new();
            reader.read_to_end(&mut read).map(|_| read)
        });
        let mut writer = ThreadedWriter::new(writer).unwrap();
        writer.write_all(&sent).await.unwrap();
        writer.flush().await.unwrap();
        drop(writer);
        assert!(reading.join().unwrap().unwrap() == sent);
    }

    #[tokio::test]
    async fn a_reader_that_stops_is_waited_for_and_holds_nothing_else_up() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut writer = ThreadedWriter::new(writer).unwrap();
        let patience = Duration::from_millis(200);
        let more_than_fits = vec![b'x'; 1 << 20];
        let stuck = tokio::time::timeout(patience, writer.write_all(&more_than_fits)).await;
        assert!(stuck.is_err(), "it is taken only as fast as it is read");
        let mut first = [0];
        reader.read_exact(&mut first).unwrap();
        drop(reader);
        let told = tokio::time::timeout(Duration::from_secs(10), writer.write_all(&more_than_fits));
        assert!(told.await.unwrap().is_err(), "the reader is gone");
    }

    #[tokio::test]
    async fn a_failure_is_reported_by_the_next_call() {
        struct Broken;
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut writer = ThreadedWriter::new(Broken).unwrap();
        assert_eq!(writer.write(b"text").await.unwrap(), 4);
        let failed = writer.flush().await.unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::StorageFull);
        writer.write(b"more").await.unwrap_err();
    }
}
