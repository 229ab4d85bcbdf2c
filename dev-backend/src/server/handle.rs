//! The handle: start, inspect, control, stop.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use crate::request::record::{Journal, RecordedRequest};
use crate::request::route::Route;
use crate::script::cursor::ScriptCursor;
use crate::script::document::Script;
use crate::server::connections::Connections;
use crate::server::exchange::Shared;
use crate::server::gate::Gate;
use crate::server::listener;
use crate::server::options::Options;

/// A running backend. It stops when it is dropped.
///
/// It runs on a thread of its own, so it also answers while the test that started it is blocked,
/// and needs no async runtime of the caller.
pub struct DevBackend {
    addr: SocketAddr,
    scheme: &'static str,
    shared: Arc<Shared>,
    running: Mutex<Option<Running>>,
}

/// The means to stop the thread.
struct Running {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl DevBackend {
    /// Starts a backend; it is listening when this returns.
    ///
    /// # Errors
    ///
    /// If the port cannot be bound, or no thread or file descriptor is available.
    pub fn start(options: Options) -> io::Result<Self> {
        let security = options.security();
        let scheme = security.scheme();
        let port = options.port;
        let shared = Arc::new(Shared::new(options));
        let (ready, started) = std::sync::mpsc::sync_channel(1);
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("byokey-dev-backend".to_owned())
            .spawn({
                let shared = Arc::clone(&shared);
                move || listener::run(port, &security, &shared, &ready, stopped)
            })?;
        let addr = started.recv().map_err(io::Error::other)??;
        let running = Mutex::new(Some(Running { stop, thread }));
        Ok(Self {
            addr,
            scheme,
            shared,
            running,
        })
    }

    /// Returns the listening address.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns its URL, without a trailing slash: `http://127.0.0.1:PORT`. Any path prefix may be
    /// added.
    pub fn base_url(&self) -> String {
        format!("{}://{}", self.scheme, self.addr)
    }

    /// Returns the requests so far, in order of arrival, refused ones included.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.journal.borrow().requests().to_vec()
    }

    /// Returns the requests to one route so far.
    pub fn requests_to(&self, route: Route) -> Vec<RecordedRequest> {
        let journal = self.shared.journal.borrow();
        journal
            .requests()
            .iter()
            .filter(|request| request.route == Some(route))
            .cloned()
            .collect()
    }

    /// Returns how many requests to one route have arrived, refused ones included.
    pub fn count(&self, route: Route) -> usize {
        self.shared.journal.borrow().count(route)
    }

    /// The connections so far.
    pub fn connections(&self) -> Connections {
        self.shared.connections.get()
    }

    /// Waits until `count` requests to one route have arrived.
    pub async fn wait_for(&self, route: Route, count: usize) {
        let mut journal = self.shared.journal.subscribe();
        // The sender cannot be gone: `self` holds it.
        let _ = journal
            .wait_for(|journal| journal.count(route) >= count)
            .await;
    }

    /// Clears the recorded requests and the counts.
    pub fn clear_requests(&self) {
        self.shared.journal.send_replace(Journal::default());
    }

    /// Starts another script. The progress of the old one, and all rejected and used-up bearers,
    /// are reset.
    pub fn set_script(&self, script: Script) {
        *self.cursor() = ScriptCursor::new(script);
    }

    /// Answers 401 to this bearer from now on.
    pub fn reject_bearer(&self, bearer: impl Into<String>) {
        self.cursor().bearers.reject(bearer.into());
    }

    /// Takes this bearer again, as if it had never been rejected or used.
    pub fn accept_bearer(&self, bearer: &str) {
        self.cursor().bearers.accept(bearer);
    }

    /// Holds every answer of one route until the gate is released or dropped.
    pub fn hold(&self, route: Route) -> Gate {
        self.shared.gates.close(route)
    }

    /// Stops listening and closes every connection. What was recorded stays readable.
    pub fn shutdown(&self) {
        let running = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(Running { stop, thread }) = running {
            // Both fail only if the thread has ended, which is the goal.
            let _ = stop.send(());
            let _ = thread.join();
        }
    }

    fn cursor(&self) -> MutexGuard<'_, ScriptCursor> {
        self.shared.cursor()
    }
}

impl Drop for DevBackend {
    fn drop(&mut self) {
        self.shutdown();
    }
}

impl fmt::Debug for DevBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevBackend")
            .field("base_url", &self.base_url())
            .finish_non_exhaustive()
    }
}
