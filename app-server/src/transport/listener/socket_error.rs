//! Why a Unix socket cannot be listened on.

use std::io;
use std::path::PathBuf;

use crate::transport::private_folder::NotPrivate;

/// Why a socket cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Its folder will not do.
    #[error(transparent)]
    Folder(#[from] NotPrivate),
    /// Somebody listens.
    #[error(
        "another server is listening on {}; stop it, or choose another path with --listen \
         unix://PATH", .0.display()
    )]
    InUse(PathBuf),
    /// Something else has that name.
    #[error(
        "{} is not a socket; remove it, or choose another path with --listen unix://PATH",
        .0.display()
    )]
    NotASocket(PathBuf),
    /// There are no such sockets in this program.
    #[error("unix:// is not supported on this system; choose stdio:// or ws://127.0.0.1:0")]
    Unsupported,
    /// The system refuses.
    #[error("cannot listen on {}: {}", .0.display(), .1)]
    Refused(PathBuf, io::Error),
}
