//! The private socket on which `byokey gateway key` and `byokey gateway status` ask a running
//! gateway. Only processes of our user reach it; the bearer is in no file.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use byokey_protocol::secret::Secret;
use byokey_rpc::{PrivateSocket, SocketError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use super::counts::Counts;

/// Longest time for a question and its answer.
const PATIENCE: Duration = Duration::from_millis(800);
/// Longest answer.
const MAX_ANSWER: u64 = 64 * 1024;
/// Most questions at once.
const MAX_QUESTIONS: usize = 16;

/// Delay before the next accept after one that failed.
const PAUSE: Duration = Duration::from_millis(20);

/// Asks for the bearer.
const KEY: u8 = b'k';
/// Asks for the counters.
const STATUS: u8 = b's';

/// Why there is no answer, or no socket.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// No gateway runs.
    #[error("no gateway is running for this user: start one with `byokey gateway`")]
    NotRunning,
    /// It does not answer.
    #[error("the gateway at {} does not answer: {}", .0.display(), .1)]
    Silent(PathBuf, io::Error),
    /// Another gateway has the socket.
    #[error("another `byokey gateway` of this user is running; end it first")]
    Running,
    /// The socket cannot be bound.
    #[error("cannot listen on {}, where `byokey gateway key` asks: {}", .0.display(), .1)]
    Socket(PathBuf, String),
    /// The system has no such sockets.
    #[error("`byokey gateway` needs Unix sockets, which this system does not have")]
    Unsupported,
}

/// The socket of a gateway.
#[derive(Debug)]
pub struct KeySocket {
    socket: PrivateSocket,
}

impl KeySocket {
    /// Binds the socket. Its folder is made private.
    ///
    /// # Errors
    ///
    /// [`KeyError`]
    pub fn bind(path: PathBuf) -> Result<Self, KeyError> {
        let refused = |error: SocketError| match error {
            SocketError::InUse(_) => KeyError::Running,
            SocketError::Folder(problem) => KeyError::Socket(path.clone(), problem.to_string()),
            SocketError::TooLong(_) => {
                let text = "the path is too long for a socket; set BYOKEY_HOME to a shorter one";
                KeyError::Socket(path.clone(), text.to_owned())
            }
            SocketError::NotASocket(_, what) => {
                KeyError::Socket(path.clone(), format!("{what} has that name"))
            }
            SocketError::Busy(_) => {
                KeyError::Socket(path.clone(), "another process holds its folder".to_owned())
            }
            SocketError::Unsupported => KeyError::Unsupported,
            SocketError::Refused(_, error) => KeyError::Socket(path.clone(), error.to_string()),
        };
        let socket = PrivateSocket::bind(path.clone()).map_err(refused)?;
        Ok(Self { socket })
    }

    /// Answers questions, without end.
    ///
    /// # Errors
    ///
    /// When the runtime cannot watch the socket.
    pub async fn serve(self, bearer: Arc<Secret>, counts: Arc<Counts>) -> io::Result<()> {
        let socket = self.socket.ready()?;
        let mut questions = JoinSet::new();
        loop {
            while questions.len() >= MAX_QUESTIONS {
                questions.join_next().await;
            }
            let accepted = socket.accept().await;
            let Ok(Some(stream)) = accepted else {
                // Another user, or no descriptor is free.
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let (bearer, counts) = (Arc::clone(&bearer), Arc::clone(&counts));
            questions.spawn(tokio::time::timeout(PATIENCE, async move {
                // A client that is gone needs no answer.
                drop(answer(stream, &bearer, &counts).await);
            }));
            while questions.try_join_next().is_some() {}
        }
    }
}

async fn answer(mut stream: UnixStream, bearer: &Secret, counts: &Counts) -> io::Result<()> {
    match stream.read_u8().await? {
        // EXPOSE: the socket is private to the user, and the bearer is for that user's programs.
        KEY => stream.write_all(bearer.expose().as_bytes()).await?,
        STATUS => {
            let report = serde_json::to_vec(&counts.report())?;
            stream.write_all(&report).await?;
        }
        _ => {}
    }
    stream.shutdown().await
}

/// Returns the bearer of the gateway that serves this socket.
///
/// # Errors
///
/// [`KeyError`], after 800 ms at most.
pub fn read_key(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    ask(path, KEY)
}

/// Returns the counters of the gateway that serves this socket, as JSON.
///
/// # Errors
///
/// [`KeyError`], after 800 ms at most.
pub fn read_status(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    ask(path, STATUS)
}

fn ask(path: &Path, question: u8) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let silent = |error| KeyError::Silent(path.to_owned(), error);
    let mut stream = match BlockingStream::connect(path) {
        Ok(stream) => stream,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            return Err(KeyError::NotRunning);
        }
        Err(error) => return Err(silent(error)),
    };
    let mut asked = || {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(&[question])?;
        let mut answer = Zeroizing::new(Vec::with_capacity(1024));
        (&stream).take(MAX_ANSWER).read_to_end(&mut answer)?;
        Ok(answer)
    };
    let answer = asked().map_err(silent)?;
    if answer.is_empty() {
        return Err(silent(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(answer)
}
