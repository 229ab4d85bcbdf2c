//! Errors of listening on a Unix socket.

use std::io;
use std::path::PathBuf;

use byokey_base::private_folder::NotPrivate;

/// Why a socket cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Its folder is not private.
    #[error(transparent)]
    Folder(#[from] NotPrivate),
    /// Another process is listening.
    #[error(
        "another server is listening on {}; stop it, or choose another path with --listen \
         unix://PATH", .0.display()
    )]
    InUse(PathBuf),
    /// Another kind of file has that name. It may be another program's, such as the link that
    /// codex's daemon leaves, so its removal is never advised.
    #[error(
        "{} exists and is {}, not a socket; choose another path with --listen unix://PATH",
        .0.display(), .1
    )]
    NotASocket(PathBuf, &'static str),
    /// The path is too long for a socket address.
    #[error(
        "{} is too long for a socket, whose path may have about 100 bytes; choose a shorter path \
         with --listen unix://PATH", .0.display()
    )]
    TooLong(PathBuf),
    /// Another process is starting or stopping there and does not finish.
    #[error(
        "another process holds the folder {}; try again when it is done, or choose another path \
         with --listen unix://PATH", .0.display()
    )]
    Busy(PathBuf),
    /// This build has no Unix sockets.
    #[error("unix:// is not supported on this system; choose stdio:// or ws://127.0.0.1:0")]
    Unsupported,
    /// The system call failed.
    #[error("cannot listen on {}: {}", .0.display(), .1)]
    Refused(PathBuf, io::Error),
}
