//! The callback server: many connections, each with little time and little room, of which only
//! the right request counts.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use byokey_protocol::secret::Secret;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::callback::{Callback, Verdict, judge};
use super::listener::Listener;
use super::pages::{self, Page};

/// How long a request may take to arrive.
const HEAD_TIME: Duration = Duration::from_secs(5);
/// Longest head of a request.
const HEAD_SIZE: usize = 16 * 1024;
/// Most connections at once.
const MAX_CONNECTIONS: usize = 64;
/// How long answers under way may take when the server ends.
const FAREWELL: Duration = Duration::from_millis(500);

/// What the login is told.
#[derive(Debug)]
pub(super) enum Event {
    /// The browser came back; it waits for this page.
    Back(Callback, oneshot::Sender<Page>),
    /// The browser has the page that tells of success.
    SuccessShown,
    /// Another program asks us to stop.
    Cancel,
}

/// Serves until the value goes.
pub(super) struct Server {
    listener: Listener,
    connections: JoinSet<()>,
    visitor: Visitor,
}

/// What each connection knows.
#[derive(Clone)]
struct Visitor {
    port: u16,
    state: Arc<Secret>,
    events: mpsc::Sender<Event>,
    succeeded: Arc<AtomicBool>,
}

impl Server {
    pub(super) fn new(listener: Listener, state: Secret, events: mpsc::Sender<Event>) -> Self {
        let visitor = Visitor {
            port: listener.port,
            state: Arc::new(state),
            events,
            succeeded: Arc::default(),
        };
        Self {
            listener,
            connections: JoinSet::new(),
            visitor,
        }
    }

    /// The state of the login.
    pub(super) fn state(&self) -> &Secret {
        &self.visitor.state
    }

    /// From now on there is a success to show.
    pub(super) fn succeed(&self) {
        self.visitor.succeeded.store(true, Ordering::Relaxed);
    }

    /// Takes connections. It never ends by itself.
    pub(super) async fn serve(&mut self) {
        loop {
            while self.connections.try_join_next().is_some() {}
            if self.connections.len() >= MAX_CONNECTIONS {
                self.connections.join_next().await;
                continue;
            }
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let visitor = self.visitor.clone();
                    self.connections.spawn(converse(stream, visitor));
                }
                // Descriptors ran out, or the like: what is open has to end first.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Closes the port at once, and the connections as soon as their answers are out.
    pub(super) async fn end(self) {
        let Self {
            listener,
            mut connections,
            visitor,
        } = self;
        drop((listener, visitor));
        let all = async { while connections.join_next().await.is_some() {} };
        drop(tokio::time::timeout(FAREWELL, all).await);
    }
}

async fn converse<S>(stream: S, visitor: Visitor)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let visitor = visitor.clone();
        async move { Ok::<_, Infallible>(visitor.answer(request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_SIZE)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // Broken connections and garbage are not worth a word.
    drop(served.await);
}

impl Visitor {
    async fn answer(&self, request: Request<Incoming>) -> Page {
        let (parts, body) = request.into_parts();
        drop(body);
        match judge(&parts, self.port, &self.state) {
            Verdict::Nothing(nothing) => pages::nothing(nothing),
            Verdict::Back(callback) => {
                let (page, answer) = oneshot::channel();
                if self.events.send(Event::Back(callback, page)).await.is_err() {
                    return pages::no_login();
                }
                answer.await.unwrap_or_else(|_| pages::no_login())
            }
            Verdict::Success if self.succeeded.load(Ordering::Relaxed) => {
                drop(self.events.send(Event::SuccessShown).await);
                pages::success()
            }
            Verdict::Success => pages::no_login(),
            Verdict::Cancel => {
                drop(self.events.send(Event::Cancel).await);
                pages::cancelled()
            }
        }
    }
}

/// What a visit to the callback server can mean to a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visit {
    /// The browser came back from the issuer.
    Back,
    /// Another program asks us to stop.
    Cancel,
}

/// Answers one connection to the callback server of a login that has not ended, and returns what
/// it means: so that it can be given anything.
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
    };
    let mut meaning = None;
    let listen = async {
        // The page that the browser waits for tells that no login has ended.
        while let Some(event) = events.recv().await {
            meaning = match event {
                Event::Back(..) => Some(Visit::Back),
                Event::Cancel => Some(Visit::Cancel),
                Event::SuccessShown => None,
            };
        }
    };
    tokio::join!(converse(stream, visitor), listen);
    meaning
}

/// Serves while something else is waited for.
pub(super) async fn while_serving<T>(server: &mut Server, work: impl Future<Output = T>) -> T {
    tokio::select! {
        biased;
        done = work => done,
        () = server.serve() => pending().await,
    }
}
