//! Files and terminals, which cannot tell whether they are ready: a thread reads them, and
//! writing just blocks.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::event::{PollFd, PollFlags, poll};
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
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                wait_for(&file, PollFlags::IN);
            }
            Err(_) => return,
        }
    }
}

/// Waits for a descriptor that another process has made non-blocking: terminals are shared.
fn wait_for(file: &File, what: PollFlags) {
    // An interruption ends the wait early, and the caller tries again.
    let _ = poll(&mut [PollFd::new(file, what)], None);
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
        loop {
            match self.0.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wait_for(&self.0, PollFlags::OUT);
                }
                written => return Poll::Ready(written),
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.flush())
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read as _;
    use std::time::Duration;

    use rustix::pipe::{PipeFlags, pipe_with};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::{BlockingWriter, ThreadedReader};

    #[tokio::test]
    async fn a_descriptor_that_somebody_made_non_blocking_is_read_to_its_end() {
        let (reader, writer) = pipe_with(PipeFlags::NONBLOCK).unwrap();
        let mut reader = ThreadedReader::new(reader).unwrap();
        let late = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            std::io::Write::write_all(&mut File::from(writer), b"late").unwrap();
        });
        let mut read = String::new();
        reader.read_to_string(&mut read).await.unwrap();
        assert_eq!(read, "late");
        late.join().unwrap();
    }

    #[tokio::test]
    async fn a_descriptor_that_somebody_made_non_blocking_is_written_whole() {
        let (reader, writer) = pipe_with(PipeFlags::NONBLOCK).unwrap();
        let length = 1 << 20;
        let slow = std::thread::spawn(move || {
            let (mut reader, mut read) = (File::from(reader), 0);
            let mut chunk = [0; 4096];
            while read < length {
                match reader.read(&mut chunk) {
                    Ok(count) => read += count,
                    Err(_) => std::thread::sleep(Duration::from_millis(1)),
                }
            }
            read
        });
        let mut writer = BlockingWriter::new(writer);
        writer.write_all(&vec![b'x'; length]).await.unwrap();
        assert_eq!(slow.join().unwrap(), length);
    }
}
