//! Files and terminals, which cannot tell whether they are ready: a thread reads them, and
//! writing just blocks.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use zeroize::{Zeroize as _, Zeroizing};

/// Most bytes that are read at once.
const CHUNK: usize = 16 * 1024;
/// Chunks that may wait; then the thread does.
const WAITING: usize = 4;

/// A file or terminal to read.
#[derive(Debug)]
pub(crate) struct ThreadedReader {
    chunks: mpsc::Receiver<Zeroizing<Vec<u8>>>,
    current: Zeroizing<Vec<u8>>,
    done: usize,
}

impl ThreadedReader {
    pub(crate) fn new(fd: OwnedFd) -> io::Result<Self> {
        let (sender, chunks) = mpsc::channel(WAITING);
        // The thread is not joined: it may wait for a terminal for ever, and ends with the
        // process.
        std::thread::Builder::new()
            .name("stdin".to_owned())
            .spawn(move || read_all(File::from(fd), &sender))?;
        Ok(Self {
            chunks,
            current: Zeroizing::default(),
            done: 0,
        })
    }
}

fn read_all(mut file: File, chunks: &mpsc::Sender<Zeroizing<Vec<u8>>>) {
    let mut buffer = Zeroizing::new(vec![0; CHUNK]);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => {
                let Some(filled) = buffer.get_mut(..count) else {
                    return;
                };
                let sent = chunks.blocking_send(Zeroizing::new(filled.to_vec()));
                filled.zeroize();
                if sent.is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

impl AsyncRead for ThreadedReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.done == self.current.len() {
            match ready!(self.chunks.poll_recv(context)) {
                None => return Poll::Ready(Ok(())),
                Some(chunk) => {
                    self.current = chunk;
                    self.done = 0;
                }
            }
        }
        let rest = self.current.get(self.done..).unwrap_or_default();
        let count = rest.len().min(buffer.remaining());
        buffer.put_slice(rest.get(..count).unwrap_or_default());
        self.done += count;
        Poll::Ready(Ok(()))
    }
}

/// A file or terminal to write.
#[derive(Debug)]
pub(crate) struct BlockingWriter(File);

impl BlockingWriter {
    pub(crate) fn new(fd: OwnedFd) -> Self {
        Self(File::from(fd))
    }
}

impl AsyncWrite for BlockingWriter {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.0.write(bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.flush())
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
