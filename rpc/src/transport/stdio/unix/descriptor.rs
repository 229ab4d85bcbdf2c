//! A file descriptor with readiness notification: a pipe or a socket.
//!
//! Node gives its children sockets, other hosts give pipes.

use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::fs::OFlags;
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A file descriptor with readiness notification.
#[derive(Debug)]
pub(crate) struct Descriptor {
    fd: AsyncFd<OwnedFd>,
}

impl Descriptor {
    /// Registers a descriptor.
    ///
    /// # Errors
    ///
    /// Returns the descriptor when it has no readiness notification: files and `/dev/null`.
    pub(crate) fn new(fd: OwnedFd) -> Result<Self, OwnedFd> {
        let Ok(flags) = rustix::fs::fcntl_getfl(&fd) else {
            return Err(fd);
        };
        #[expect(
            deprecated,
            reason = "the successor needs unsafe code; an OwnedFd keeps its promise"
        )]
        let fd = AsyncFd::try_new(fd).map_err(|error| error.into_parts().0)?;
        // After the registration: a file must keep its flags, which are shared with other
        // processes.
        match rustix::fs::fcntl_setfl(&fd, flags | OFlags::NONBLOCK) {
            Ok(()) => Ok(Self { fd }),
            Err(_) => Err(fd.into_inner()),
        }
    }
}

impl AsyncRead for Descriptor {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let mut ready = ready!(self.fd.poll_read_ready(context))?;
            match rustix::io::read(self.fd.get_ref(), buffer.initialize_unfilled()) {
                Ok(count) => {
                    buffer.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(rustix::io::Errno::AGAIN) => ready.clear_ready(),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }
}

impl AsyncWrite for Descriptor {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            let mut ready = ready!(self.fd.poll_write_ready(context))?;
            match rustix::io::write(self.fd.get_ref(), bytes) {
                Ok(count) => return Poll::Ready(Ok(count)),
                Err(rustix::io::Errno::AGAIN) => ready.clear_ready(),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
