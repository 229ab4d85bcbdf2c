//! A thread reads descriptors without readiness notification.

use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::mpsc;
use zeroize::{Zeroize as _, Zeroizing};

/// Most bytes per read.
const CHUNK: usize = 16 * 1024;
/// Chunks that may be queued; then the thread blocks.
const WAITING: usize = 4;

/// A descriptor read by a thread.
#[derive(Debug)]
pub(crate) struct ThreadedReader {
    chunks: mpsc::Receiver<Zeroizing<Vec<u8>>>,
    current: Zeroizing<Vec<u8>>,
    done: usize,
}

impl ThreadedReader {
    pub(crate) fn new(source: impl Read + Send + 'static) -> io::Result<Self> {
        let (sender, chunks) = mpsc::channel(WAITING);
        // The thread is not joined: it may block on a terminal for ever, and ends with the process.
        std::thread::Builder::new()
            .name("stdin".to_owned())
            .spawn(move || read_all(source, &sender))?;
        Ok(Self {
            chunks,
            current: Zeroizing::default(),
            done: 0,
        })
    }
}

fn read_all(mut source: impl Read, chunks: &mpsc::Sender<Zeroizing<Vec<u8>>>) {
    let mut buffer = Zeroizing::new(vec![0; CHUNK]);
    loop {
        match source.read(&mut buffer) {
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
        let done = self.done;
        let rest = self.current.get_mut(done..).unwrap_or_default();
        let count = rest.len().min(buffer.remaining());
        if let Some(taken) = rest.get_mut(..count) {
            buffer.put_slice(taken);
            taken.zeroize();
        }
        self.done += count;
        Poll::Ready(Ok(()))
    }
}
