//! A listener on a Unix socket.

mod guest;
mod socket;

pub(super) use guest::serve_unix;

pub(super) use socket::{SocketFile, UnixSocket, accept};
pub(super) use tokio::net::{UnixListener, UnixStream};
