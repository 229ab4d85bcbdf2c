//! The callback server: concurrent connections with a short deadline and bounded size (against
//! slowloris), of which only the right request counts. Above their limit, the oldest is dropped.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use byokey_base::places::{Place, Places};
use byokey_protocol::secret::Secret;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::callback::{Callback, Decision, decide};
use super::listener::Listener;
use super::pages::{self, Page};

/// Deadline of a request head.
const HEAD_TIME: Duration = Duration::from_secs(5);
/// Longest request head, in bytes.
const HEAD_SIZE: usize = 16 * 1024;
/// Most concurrent connections, the one that the browser came back on not counted.
const MAX_CONNECTIONS: usize = 64;
/// Delay before the next accept when the system has no more descriptors.
const EXHAUSTED: Duration = Duration::from_millis(50);
/// How long pending responses may take when the server stops.
const FAREWELL: Duration = Duration::from_millis(500);

/// What the server reports to the login.
#[derive(Debug)]
pub(super) enum Event {
    /// The browser returned; it waits for this page.
    Back(Callback, oneshot::Sender<Page>),
    /// The browser has the success page.
    SuccessShown,
    /// Another program asks for the login to be cancelled.
    Cancel,
}

/// Serves until it is dropped.
pub(super) struct Server {
    listener: Listener,
    connections: JoinSet<()>,
    places: Arc<Places>,
    visitor: Visitor,
}

/// State of each connection.
#[derive(Clone)]
struct Visitor {
    port: u16,
    state: Arc<Secret>,
    events: mpsc::Sender<Event>,
    succeeded: Arc<AtomicBool>,
    /// Whether the browser has come back.
    returned: Arc<AtomicBool>,
}

impl Server {
    pub(super) fn new(listener: Listener, state: Secret, events: mpsc::Sender<Event>) -> Self {
        let visitor = Visitor {
            port: listener.port,
            state: Arc::new(state),
            events,
            succeeded: Arc::default(),
            returned: Arc::default(),
        };
        Self {
            listener,
            connections: JoinSet::new(),
            places: Places::new(MAX_CONNECTIONS),
            visitor,
        }
    }

    /// Returns the CSRF state of the login.
    pub(super) fn state(&self) -> &Secret {
        &self.visitor.state
    }

    /// Enables the success page.
    pub(super) fn succeed(&self) {
        self.visitor.succeeded.store(true, Ordering::Relaxed);
    }

    /// Accepts connections. It never completes by itself.
    pub(super) async fn serve(&mut self) {
        loop {
            while self.connections.try_join_next().is_some() {}
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let place = self.places.enter();
                    let visitor = self.visitor.clone();
                    self.connections.spawn(converse(stream, visitor, place));
                    // One that has to leave for it goes before the next one comes.
                    tokio::task::yield_now().await;
                }
                // Out of descriptors, or the like: open connections must end first.
                Err(_) => tokio::time::sleep(EXHAUSTED).await,
            }
        }
    }

    /// Closes the port at once, and each connection after its response.
    pub(super) async fn end(self) {
        let Self {
            listener,
            mut connections,
            places: _,
            visitor,
        } = self;
        drop((listener, visitor));
        let all = async { while connections.join_next().await.is_some() {} };
        drop(tokio::time::timeout(FAREWELL, all).await);
    }
}

async fn converse<S>(stream: S, visitor: Visitor, place: Place)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // Set once the login waits on this connection: it stays, also if it was just told to leave.
    let stays = AtomicBool::new(false);
    let service = service_fn(async |request: Request<Incoming>| {
        Ok::<_, Infallible>(visitor.answer(request, &place, &stays).await)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_SIZE)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // Broken connections and garbage are not logged.
        _ = served => {}
        () = has_to_leave(&place, &stays) => {}
    }
}

/// Waits until a connection has to leave for another one.
async fn has_to_leave(place: &Place, stays: &AtomicBool) {
    place.evicted().await;
    if stays.load(Ordering::Relaxed) {
        pending().await
    }
}

impl Visitor {
    async fn answer(&self, request: Request<Incoming>, place: &Place, stays: &AtomicBool) -> Page {
        let (parts, body) = request.into_parts();
        drop(body);
        match decide(&parts, self.port, &self.state) {
            Decision::Rejected(reason) => pages::rejected(reason),
            Decision::Back(callback) => {
                if !self.returned.swap(true, Ordering::Relaxed) {
                    // The user waits on this one until the tokens are there.
                    place.release();
                    stays.store(true, Ordering::Relaxed);
                }
                let (page, answer) = oneshot::channel();
                if self.events.send(Event::Back(callback, page)).await.is_err() {
                    return pages::no_login();
                }
                answer.await.unwrap_or_else(|_| pages::no_login())
            }
            Decision::Success if self.succeeded.load(Ordering::Relaxed) => {
                drop(self.events.send(Event::SuccessShown).await);
                pages::success()
            }
            Decision::Success => pages::no_login(),
            Decision::Cancel => {
                drop(self.events.send(Event::Cancel).await);
                pages::cancelled()
            }
        }
    }
}

/// The meaning of a connection to the callback server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visit {
    /// The browser returned from the issuer.
    Back,
    /// Another program asks for the login to be cancelled.
    Cancel,
}

/// Answers one connection to the callback server of a pending login and returns its meaning. Public
/// for fuzzing.
pub async fn visit<S>(stream: S, port: u16, state: Secret) -> Option<Visit>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (sender, mut events) = mpsc::channel(1);
    let visitor = Visitor {
        port,
        state: Arc::new(state),
        events: sender,
        succeeded: Arc::default(),
        returned: Arc::default(),
    };
    let place = Places::new(1).enter();
    let mut meaning = None;
    let listen = async {
        // The login has not ended: the browser gets an error page.
        while let Some(event) = events.recv().await {
            meaning = match event {
                Event::Back(..) => Some(Visit::Back),
                Event::Cancel => Some(Visit::Cancel),
                Event::SuccessShown => None,
            };
        }
    };
    tokio::join!(converse(stream, visitor, place), listen);
    meaning
}

/// Runs the server while waiting for other work.
pub(super) async fn while_serving<T>(server: &mut Server, work: impl Future<Output = T>) -> T {
    tokio::select! {
        biased;
        done = work => done,
        () = server.serve() => pending().await,
    }
}
