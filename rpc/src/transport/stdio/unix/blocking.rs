//! Files and terminals, which have no readiness notification. Writing to them blocks.
//!
//! Another process may have set `O_NONBLOCK`, for terminals are shared; then writes poll until they
//! succeed.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustix::event::{PollFd, PollFlags, poll};
use tokio::io::AsyncWrite;

/// A file or terminal that blocks, whatever its flags.
#[derive(Debug)]
pub(crate) struct Blocking(File);

impl Blocking {
    pub(crate) fn new(fd: OwnedFd) -> Self {
        Self(File::from(fd))
    }

    fn wait_for(&self, what: PollFlags) {
        // An interrupt ends the wait early, and the caller tries again.
        let _ = poll(&mut [PollFd::new(&self.0, what)], None);
    }
}

impl Read for Blocking {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.wait_for(PollFlags::IN);
                }
                read => return read,
            }
        }
    }
}

impl AsyncWrite for Blocking {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.0.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.wait_for(PollFlags::OUT);
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

    use super::Blocking;
    use crate::transport::stdio::threaded_reader::ThreadedReader;

    // Row: streams that are not ready
    #[tokio::test]
    async fn a_descriptor_that_another_process_made_non_blocking_is_read_to_its_end() {
        let (reader, writer) = pipe_with(PipeFlags::NONBLOCK).unwrap();
        let mut reader = ThreadedReader::new(Blocking::new(reader)).unwrap();
        let late = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            std::io::Write::write_all(&mut File::from(writer), b"late").unwrap();
        });
        let mut read = String::new();
        reader.read_to_string(&mut read).await.unwrap();
        assert_eq!(read, "late");
        late.join().unwrap();
    }

    // Row: streams that are not ready
    #[tokio::test]
    async fn a_descriptor_that_another_process_made_non_blocking_is_written_whole() {
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
        let mut writer = Blocking::new(writer);
        writer.write_all(&vec![b'x'; length]).await.unwrap();
        assert_eq!(slow.join().unwrap(), length);
    }
}
