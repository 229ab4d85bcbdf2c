//! Listeners: several connections at once, each served by its own task.
//!
//! Every connection holds a place from its accept on, and every kind of place is bounded:
//! handshakes, delayed refusals, connections. A new connection never queues behind slowloris
//! clients: the oldest of those is dropped.

mod accepted;
mod socket_error;
#[cfg_attr(unix, path = "unix/mod.rs")]
#[cfg_attr(not(unix), path = "unsupported.rs")]
mod unix;
mod url;

use std::io;
use std::net::{SocketAddr, TcpListener as BlockingTcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use byokey_base::clock::Clock;
use byokey_base::places::Places;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use accepted::serve_tcp;
pub use socket_error::SocketError;
#[cfg(unix)]
pub use unix::{PrivateListener, PrivateSocket};
use unix::{SocketFile, UnixListener, UnixSocket, UnixStream, accept, examine, serve_unix};
pub use url::{ListenUrl, ListenUrlError};

use super::stream::Shutdown;
use super::websocket::{Admission, BearerRule};
use crate::budget::BufferBudget;
use crate::handler::MessageHandler;
use crate::limits::Limits;

/// Most concurrent handshakes; above it the oldest is dropped. With their deadline, the bound
/// against slowloris clients.
const MAX_HANDSHAKES: usize = 64;
/// Most connections above the limit that are being refused or wait for the place of a silent one.
const MAX_SURPLUS: usize = 16;
/// Delay before the next accept when the system has no more descriptors.
const EXHAUSTED: Duration = Duration::from_millis(100);
/// Most bytes queued for a peer that does not read.
const MAX_UNREAD: usize = 8 * 1024 * 1024;
/// Timeout for closing a connection.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// Most requests of one connection in flight.
const MAX_IN_FLIGHT: usize = 512;

/// Bounds of a listener.
#[derive(Clone, Copy, Debug)]
pub struct ListenLimits {
    /// Longest message, in bytes.
    pub max_message: usize,
    /// Most connections at once.
    pub max_connections: usize,
}

impl ListenLimits {
    fn of_connection(self) -> Limits {
        Limits {
            max_message: self.max_message,
            max_unread: Some(MAX_UNREAD),
            close_timeout: CLOSE_TIMEOUT,
            max_in_flight: MAX_IN_FLIGHT,
            budget: Some(Arc::new(BufferBudget::new(
                self.max_connections,
                self.max_message,
            ))),
            ..Limits::default()
        }
    }
}

/// What a server that is about to listen on a Unix socket finds at its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketPath {
    /// Nothing.
    Free,
    /// The socket of a server that has ended. It is replaced.
    Stale,
}

/// Returns what a server that is about to listen on this path would find there. Nothing is created,
/// changed or removed; a server that listens there sees a connection that says nothing.
///
/// # Errors
///
/// Why it could not listen there.
pub fn examine_socket(path: &Path) -> Result<SocketPath, SocketError> {
    examine(path)
}

/// A bound listening socket that is not yet served.
#[derive(Debug)]
pub enum BoundListener {
    /// A Unix socket that only our user can reach.
    Unix(UnixSocket),
    /// A port, and the bearer required there.
    Port(BlockingTcpListener, SocketAddr, BearerRule),
}

impl BoundListener {
    /// Binds a Unix socket. Its folder must be private to our user, and is created if missing.
    ///
    /// # Errors
    ///
    /// [`SocketError`] states the remedy.
    pub fn unix(path: PathBuf) -> Result<Self, SocketError> {
        UnixSocket::bind(path).map(Self::Unix)
    }

    /// Wraps an open port, for clients with a valid bearer.
    ///
    /// # Errors
    ///
    /// When the system does not report its address.
    pub fn port(port: BlockingTcpListener, bearers: BearerRule) -> io::Result<Self> {
        let address = port.local_addr()?;
        Ok(Self::Port(port, address, bearers))
    }

    /// Returns the file of a Unix socket.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Unix(socket) => Some(socket.path()),
            Self::Port(..) => None,
        }
    }
}

/// A listener being served. `F` creates the handler of each connection.
#[derive(Debug)]
pub struct Listener<F> {
    acceptor: Acceptor,
    context: Arc<ListenerContext<F>>,
}

/// State shared by all connections.
#[derive(Debug)]
struct ListenerContext<F> {
    open: F,
    admission: Admission,
    handshakes: Arc<Places>,
    #[cfg_attr(not(unix), expect(dead_code, reason = "only Unix sockets need it"))]
    crowd: Crowd,
    limits: Limits,
}

/// The connections of a Unix socket, which count from their arrival.
#[derive(Debug)]
#[cfg_attr(not(unix), expect(dead_code, reason = "only Unix sockets need it"))]
struct Crowd {
    /// The places that are free.
    permits: Arc<Semaphore>,
    /// Those that hold a place and have sent nothing.
    silent: Arc<Places>,
    /// Those that found no place.
    surplus: Arc<Places>,
}

#[derive(Debug)]
enum Acceptor {
    Unix {
        listener: UnixListener,
        /// Removes the file on drop.
        _file: SocketFile,
    },
    Tcp(TcpListener),
}

enum Incoming {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Crowd {
    fn new(permits: Arc<Semaphore>) -> Self {
        Self {
            permits,
            silent: Places::new(usize::MAX),
            surplus: Places::new(MAX_SURPLUS),
        }
    }
}

impl<F, H> Listener<F>
where
    F: Fn() -> H + Send + Sync + 'static,
    H: MessageHandler + 'static,
{
    /// Registers the socket with the runtime.
    ///
    /// # Errors
    ///
    /// When the runtime cannot watch the socket.
    pub fn new(
        bound: BoundListener,
        open: F,
        limits: ListenLimits,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        let permits = Arc::new(Semaphore::new(limits.max_connections));
        let (acceptor, admission) = match bound {
            BoundListener::Unix(socket) => {
                let (listener, _file) = socket.ready()?;
                let admission = Admission::of_trusted(Arc::clone(&permits));
                (Acceptor::Unix { listener, _file }, admission)
            }
            BoundListener::Port(listener, address, bearers) => {
                listener.set_nonblocking(true)?;
                let admission =
                    Admission::of_strangers(address, bearers, Arc::clone(&permits), clock);
                (Acceptor::Tcp(TcpListener::from_std(listener)?), admission)
            }
        };
        let context = ListenerContext {
            open,
            admission,
            handshakes: Places::new(MAX_HANDSHAKES),
            crowd: Crowd::new(permits),
            limits: limits.of_connection(),
        };
        Ok(Self {
            acceptor,
            context: Arc::new(context),
        })
    }

    /// Accepts and serves connections until the shutdown, then waits for them to end.
    pub async fn serve(self, mut shutdown: Shutdown) {
        let mut connections = JoinSet::new();
        let ends = shutdown.clone();
        loop {
            // The guard that `wait_for` returns would make this future not `Send`.
            let shutting_down = async { drop(shutdown.wait_for(|shutdown| *shutdown).await) };
            tokio::select! {
                biased;
                () = shutting_down => break,
                // A panicked task ends its own connection only.
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                incoming = self.acceptor.accept() => match incoming {
                    Ok(Some(incoming)) => {
                        connections.spawn(self.receive(incoming, ends.clone()));
                        // One that has to leave for it goes before the next one comes.
                        tokio::task::yield_now().await;
                    }
                    Ok(None) => {}
                    Err(_) => {
                        tracing::warn!("a connection could not be accepted");
                        tokio::time::sleep(EXHAUSTED).await;
                    }
                }
            }
        }
        drop(self.acceptor);
        while connections.join_next().await.is_some() {}
    }

    fn receive(
        &self,
        incoming: Incoming,
        shutdown: Shutdown,
    ) -> impl Future<Output = ()> + Send + use<F, H> {
        let context = Arc::clone(&self.context);
        async move {
            match incoming {
                Incoming::Unix(stream) => serve_unix(stream, &context, shutdown).await,
                Incoming::Tcp(stream) => serve_tcp(stream, &context, shutdown).await,
            }
        }
    }
}

impl Acceptor {
    async fn accept(&self) -> io::Result<Option<Incoming>> {
        match self {
            Self::Unix { listener, .. } => Ok(accept(listener).await?.map(Incoming::Unix)),
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // Answers are small and awaited, so Nagle's algorithm would only delay them.
                stream.set_nodelay(true)?;
                Ok(Some(Incoming::Tcp(stream)))
            }
        }
    }
}
