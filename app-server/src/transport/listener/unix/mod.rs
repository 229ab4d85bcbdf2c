//! A listener on a Unix socket.

mod guest;
mod socket;

pub(super) use guest::serve_unix;
pub use socket::UnixSocket;
pub(super) use socket::{SocketFile, accept};
pub(super) use tokio::net::{UnixListener, UnixStream};
