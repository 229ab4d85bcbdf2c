//! Without Unix sockets in the runtime there are no listeners on them.

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};

use super::socket_error::SocketError;
use super::{ListenerContext, SocketPath};
use crate::transport::stream::Shutdown;

/// Uninhabited: none is created.
#[derive(Debug)]
pub struct UnixSocket(Infallible);

pub(super) type SocketFile = Infallible;
pub(super) type UnixListener = Infallible;
pub(super) type UnixStream = Infallible;

impl UnixSocket {
    pub(super) fn bind(_: PathBuf) -> Result<Self, SocketError> {
        Err(SocketError::Unsupported)
    }

    pub(super) fn path(&self) -> &Path {
        match self.0 {}
    }

    pub(super) fn ready(self) -> io::Result<(UnixListener, SocketFile)> {
        match self.0 {}
    }
}

pub(super) const fn examine(_: &Path) -> Result<SocketPath, SocketError> {
    Err(SocketError::Unsupported)
}

pub(super) async fn accept(listener: &UnixListener) -> io::Result<Option<UnixStream>> {
    match *listener {}
}

pub(super) async fn serve_unix<F>(stream: UnixStream, _: &ListenerContext<F>, _: Shutdown) {
    match stream {}
}
