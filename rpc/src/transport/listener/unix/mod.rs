//! A listener on a Unix socket.

mod accepted;
mod socket;

pub(super) use accepted::serve_unix;
pub use socket::{PrivateListener, PrivateSocket};

pub(super) use socket::{SocketFile, UnixSocket, accept, examine_socket as examine};
pub(super) use tokio::net::{UnixListener, UnixStream};
