//! A private Unix socket and its file.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{SocketAddr, UnixListener as BlockingListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::net::SocketAddrUnix;
use rustix::process::geteuid;
use tokio::net::{UnixListener, UnixSocket as ClientSocket, UnixStream};

use crate::transport::listener::SocketPath;
use crate::transport::listener::socket_error::SocketError;
use byokey_base::owner_only;
use byokey_base::private_folder;

/// How long another process may hold the folder's lock. It binds or removes one socket meanwhile.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);

/// A Unix socket, and its file.
#[derive(Debug)]
pub struct UnixSocket {
    listener: BlockingListener,
    file: SocketFile,
}

/// A Unix socket that only processes of our user can reach, for a protocol of another crate.
#[derive(Debug)]
pub struct PrivateSocket(UnixSocket);

/// A [`PrivateSocket`] that accepts connections.
#[derive(Debug)]
pub struct PrivateListener {
    listener: UnixListener,
    /// Removes the file on drop.
    _file: SocketFile,
}

impl PrivateSocket {
    /// Binds the socket. Its folder must be private to our user, and is created if missing. A stale
    /// socket of an ended server is replaced.
    ///
    /// # Errors
    ///
    /// [`SocketError`]
    pub fn bind(path: PathBuf) -> Result<Self, SocketError> {
        UnixSocket::bind(path).map(Self)
    }

    /// Registers it with the runtime.
    ///
    /// # Errors
    ///
    /// When the runtime cannot watch the socket.
    pub fn ready(self) -> io::Result<PrivateListener> {
        let (listener, _file) = self.0.ready()?;
        Ok(PrivateListener { listener, _file })
    }
}

impl PrivateListener {
    /// Accepts the next connection; `None` if it was one of another user.
    ///
    /// # Errors
    ///
    /// The system's.
    pub async fn accept(&self) -> io::Result<Option<UnixStream>> {
        accept(&self.listener).await
    }
}

/// The file of a socket. It is removed on drop.
#[derive(Debug)]
pub(in crate::transport::listener) struct SocketFile {
    path: PathBuf,
    /// Device and inode, so that no other file is removed.
    identity: (u64, u64),
}

impl UnixSocket {
    /// Binds the socket. A stale socket of an ended server is replaced.
    pub(in crate::transport::listener) fn bind(path: PathBuf) -> Result<Self, SocketError> {
        // Checked before a folder is created for it.
        let folder = folder_of(&path)?;
        private_folder::ensure(folder)?;
        let refused = |error: io::Error| SocketError::Refused(path.clone(), error);
        // Two servers that start at once must not both find the socket stale.
        let turn = File::open(folder).map_err(refused)?;
        lock_folder(&turn, folder)?;
        clear(&path)?;
        let listener = BlockingListener::bind(&path).map_err(refused)?;
        fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(refused)?;
        let file = fs::symlink_metadata(&path).map_err(refused)?;
        Ok(Self {
            listener,
            file: SocketFile {
                identity: (file.dev(), file.ino()),
                path,
            },
        })
    }

    pub(in crate::transport::listener) fn path(&self) -> &Path {
        &self.file.path
    }

    /// Registers it with the runtime.
    pub(in crate::transport::listener) fn ready(self) -> io::Result<(UnixListener, SocketFile)> {
        self.listener.set_nonblocking(true)?;
        Ok((UnixListener::from_std(self.listener)?, self.file))
    }
}

/// Takes the lock of the folder, released with the file.
fn lock_folder(turn: &File, folder: &Path) -> Result<(), SocketError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match flock(turn, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(Errno::WOULDBLOCK) if Instant::now() < deadline => std::thread::sleep(PAUSE),
            Err(Errno::WOULDBLOCK) => return Err(SocketError::Busy(folder.to_owned())),
            Err(error) => return Err(SocketError::Refused(folder.to_owned(), error.into())),
        }
    }
}

/// Accepts the next connection of our user. The file's mode keeps other users out already, except
/// those that bypass modes.
pub(in crate::transport::listener) async fn accept(
    listener: &UnixListener,
) -> io::Result<Option<UnixStream>> {
    let (stream, _) = listener.accept().await?;
    let own = stream.peer_cred()?.uid() == geteuid().as_raw();
    if !own {
        tracing::warn!("a connection of another user was refused");
    }
    Ok(own.then_some(stream))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let same = |file: fs::Metadata| (file.dev(), file.ino()) == self.identity;
        if fs::symlink_metadata(&self.path).is_ok_and(same) {
            // A file that cannot be removed is replaced by the next server.
            drop(fs::remove_file(&self.path));
        }
    }
}

/// See [`super::super::examine_socket`].
pub(in crate::transport::listener) fn examine_socket(
    path: &Path,
) -> Result<SocketPath, SocketError> {
    private_folder::examine(folder_of(path)?)?;
    examine(path)
}

/// Returns the folder of a socket, whose path is short enough for an address.
fn folder_of(path: &Path) -> Result<&Path, SocketError> {
    if SocketAddr::from_pathname(path).is_err() {
        return Err(SocketError::TooLong(path.to_owned()));
    }
    // A name without a folder is in the current folder.
    Ok(match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    })
}

/// Removes a stale socket of an ended server.
fn clear(path: &Path) -> Result<(), SocketError> {
    match examine(path)? {
        SocketPath::Free => Ok(()),
        SocketPath::Stale => {
            fs::remove_file(path).map_err(|error| SocketError::Refused(path.to_owned(), error))
        }
    }
}

fn examine(path: &Path) -> Result<SocketPath, SocketError> {
    let refused = |error| SocketError::Refused(path.to_owned(), error);
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(SocketPath::Free),
        Err(error) => return Err(refused(error)),
        Ok(file) if !file.file_type().is_socket() => {
            let what = owner_only::kind_of(file.file_type()).unwrap_or("a file");
            return Err(SocketError::NotASocket(path.to_owned(), what));
        }
        Ok(_) => {}
    }
    match connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(SocketPath::Stale),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(SocketPath::Free),
        // A server that is too busy to accept is running.
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(refused(error)),
        Ok(()) | Err(_) => Err(SocketError::InUse(path.to_owned())),
    }
}

/// Connects once, and ends the connection. Never blocks: with a full backlog, as of a stopped server,
/// the error is [`io::ErrorKind::WouldBlock`].
fn connect(path: &Path) -> io::Result<()> {
    // Its own `connect` needs a runtime, which waits for the backlog to have space.
    let socket = ClientSocket::new_stream()?;
    Ok(rustix::net::connect(socket, &SocketAddrUnix::new(path)?)?)
}
