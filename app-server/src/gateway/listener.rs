//! The connections of the gateway.
//!
//! One that has not shown the bearer yet holds one of few places, where the oldest leaves for the
//! newest (slowloris), and has little time. After its first admitted request it counts as one of
//! the clients, and may be used again.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use byokey_base::places::Place;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OnceCell, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::exchange::{Shared, answer};

/// Most connections that have not shown the bearer yet; above it the oldest is dropped.
pub(super) const MAX_UNADMITTED: usize = 256;
/// Their time to show it, the delay of a refusal included.
const ADMISSION_TIME: Duration = Duration::from_secs(6);
/// Most connections of clients that have shown it.
pub(super) const MAX_CONNECTIONS: usize = 1024;
/// Longest head of a request, in bytes.
const MAX_HEAD: usize = 32 * 1024;
/// How long a connection may wait for its next request.
const IDLE: Duration = Duration::from_secs(60);
/// Delay before the next accept when the system has no more descriptors.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// What a connection holds.
#[derive(Debug)]
pub(super) struct Entrance {
    place: Place,
    admitted: OnceCell<OwnedSemaphorePermit>,
    /// Ends the connection: see [`super::body::Cut`].
    pub(super) cut: Arc<Notify>,
}

/// Why a connection is not admitted.
#[derive(Debug)]
pub(super) enum NotAdmitted {
    /// Others needed its place.
    Evicted,
    /// There are too many.
    Full,
}

impl Entrance {
    /// Counts the connection as that of a client, from its first admitted request on.
    pub(super) fn admit(&self, permits: &Arc<Semaphore>) -> Result<(), NotAdmitted> {
        if self.admitted.initialized() {
            return Ok(());
        }
        if !self.place.release() {
            return Err(NotAdmitted::Evicted);
        }
        let permit = Arc::clone(permits).try_acquire_owned();
        let permit = permit.map_err(|_| NotAdmitted::Full)?;
        // It was checked above that there is none.
        drop(self.admitted.set(permit));
        Ok(())
    }

    /// Gives the place back, for an answer that is delayed.
    pub(super) fn leave(&self) {
        self.place.release();
    }

    /// Waits until a connection that is not admitted has to go.
    async fn overdue(&self) {
        tokio::select! {
            () = self.place.evicted() => {}
            () = tokio::time::sleep(ADMISSION_TIME) => {}
        }
        if self.admitted.initialized() {
            std::future::pending().await
        }
    }
}

/// Accepts and serves connections until the task is aborted, which ends all of them.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            // A panicked task ends its own connection only.
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let entrance = Entrance {
                        place: shared.unadmitted.enter(),
                        admitted: OnceCell::new(),
                        cut: Arc::default(),
                    };
                    connections.spawn(serve_one(stream, entrance, Arc::clone(&shared)));
                    // One that has to leave for it goes before the next one comes.
                    tokio::task::yield_now().await;
                }
                Err(_) => {
                    tracing::warn!("a connection to the gateway could not be accepted");
                    tokio::time::sleep(EXHAUSTED).await;
                }
            }
        }
    }
}

async fn serve_one(stream: TcpStream, entrance: Entrance, shared: Arc<Shared>) {
    // Chunks are small and awaited, so Nagle's algorithm would only delay them.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(|request| answer(request, &entrance, &shared));
    let served = http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = pin!(served);
    tokio::select! {
        // What a client does wrong ends its own connection only.
        _ = &mut served => {}
        () = entrance.overdue() => {}
        () = entrance.cut.notified() => {}
    }
}
