//! The private socket on which `byokey gateway key` and `byokey gateway status` ask a running
//! gateway. Only processes of our user reach it; the bearer is in no file.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use byokey_protocol::secret::Secret;
use byokey_rpc::{PrivateSocket, SocketError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use super::counts::Counts;

/// Longest time for a question and its answer, and until the socket of a gateway is there that was
/// started at the same moment.
const PATIENCE: Duration = Duration::from_millis(800);
/// Longest wait for a gateway that has its socket, and does not serve yet. codex waits 5 s.
const STARTING: Duration = Duration::from_secs(4);
/// Longest answer.
const MAX_ANSWER: u64 = 64 * 1024;
/// Most questions at once.
const MAX_QUESTIONS: usize = 16;

/// Delay before the next try after one that failed.
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

/// Returns the bearer of the gateway that serves this socket. Waits for one that is being started:
/// scripts start a gateway in the background, and ask at once.
///
/// # Errors
///
/// [`KeyError`], after 800 ms if there is no socket; after 4 s if its gateway does not answer.
pub fn read_key(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    ask(path, KEY, PATIENCE, STARTING)
}

/// Returns the counters of the gateway that serves this socket, as JSON.
///
/// # Errors
///
/// [`KeyError`], after 800 ms at most.
pub fn read_status(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    ask(path, STATUS, Duration::ZERO, PATIENCE)
}

/// Asks, with a limit until there is a socket, and another one for the answer.
fn ask(
    path: &Path,
    question: u8,
    appearing: Duration,
    answering: Duration,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let silent = |error| KeyError::Silent(path.to_owned(), error);
    let begun = Instant::now();
    let mut stream = loop {
        match BlockingStream::connect(path).map_err(|error| (error.kind(), error)) {
            Ok(stream) => break stream,
            Err((io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused, _)) => {
                if begun.elapsed() >= appearing {
                    return Err(KeyError::NotRunning);
                }
                std::thread::sleep(PAUSE);
            }
            Err((_, error)) => return Err(silent(error)),
        }
    };
    let mut asked = || {
        stream.set_read_timeout(Some(answering))?;
        stream.set_write_timeout(Some(answering))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    const AMPLE: Duration = Duration::from_secs(60);

    #[test]
    fn a_question_waits_for_a_gateway_that_is_being_started() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run").join("gateway.sock");
        assert!(matches!(
            ask(&path, KEY, Duration::ZERO, AMPLE),
            Err(KeyError::NotRunning)
        ));
        let asked = path.clone();
        let asking = std::thread::spawn(move || ask(&asked, KEY, AMPLE, AMPLE));
        // It has asked in vain, most probably; the test passes either way.
        std::thread::sleep(10 * PAUSE);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let answer = runtime.block_on(async {
            let socket = KeySocket::bind(path).unwrap();
            // The login is not known yet.
            tokio::time::sleep(10 * PAUSE).await;
            let bearer = Arc::new(Secret::from("at-made-up"));
            let serving = tokio::spawn(socket.serve(bearer, Arc::default()));
            let answer = tokio::task::spawn_blocking(|| asking.join().unwrap());
            let answer = answer.await.unwrap();
            serving.abort();
            answer
        });
        assert_eq!(answer.unwrap().as_slice(), b"at-made-up");
    }
}
