//! One peer: the messages queued for it, and our requests that it has not answered.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use byokey_protocol::cancel::CancelRequestParams;
use byokey_protocol::methods::{CancelRequest, Notification, Request};
use byokey_protocol::request_id::RequestId;
use jsonrpsee_types::ErrorObjectOwned;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use crate::error::RequestError;
use crate::failure::{AnswerError, ErrorCode, RequestFailure};
use crate::message;
use crate::observer::Observer;
use crate::outbox::Outbox;

/// A raw response: the result or the error object, borrowed from the input buffer.
type RawAnswer<'a> = Result<&'a RawValue, &'a RawValue>;

/// Parses a response and completes the future that waits for it.
type Resolve = Box<dyn FnOnce(RawAnswer<'_>) + Send>;

/// Our requests to one peer.
#[derive(Default)]
struct Requests {
    /// The unanswered ones.
    open: HashMap<i64, Resolve>,
    /// Whether no response can arrive any more.
    closed: bool,
}

/// One peer.
pub struct Peer {
    /// The messages queued for it.
    pub outbox: Arc<Outbox>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    requests: Mutex<Requests>,
    next_request: Arc<AtomicI64>,
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").finish_non_exhaustive()
    }
}

impl Default for Peer {
    fn default() -> Self {
        Self::new(Arc::default(), None)
    }
}

impl Peer {
    /// Returns a new peer. Ids of requests come from `next_request`: one counter per process, as in
    /// codex, or one per peer.
    #[must_use]
    pub fn new(next_request: Arc<AtomicI64>, observer: Option<Arc<dyn Observer>>) -> Self {
        Self {
            outbox: Arc::new(Outbox::observed(observer.clone())),
            observer,
            requests: Mutex::default(),
            next_request,
        }
    }

    /// Answers a request.
    pub fn respond<R: Serialize>(&self, id: &RequestId, result: R) {
        self.outbox.push(&message::Response { id, result });
    }

    /// Answers a request with an error, or reports an unreadable message.
    pub fn respond_error(&self, id: Option<&RequestId>, error: RequestError) {
        self.outbox.push(&message::ErrorResponse {
            error: error.into_object(),
            id,
        });
    }

    /// Sends a notification.
    pub fn notify<N: Notification>(&self, params: &N::Params)
    where
        N::Params: Serialize,
    {
        self.notify_raw(N::NAME, params);
    }

    /// Sends a notification that is not in the method table.
    pub fn notify_raw(&self, method: &str, params: &impl Serialize) {
        self.outbox.push(&message::Notification { method, params });
    }

    /// Sends a request of the method table. It is queued at once, before any later message; the
    /// future waits for the response.
    pub fn request<R>(
        self: &Arc<Self>,
        params: &R::Params,
    ) -> PendingAnswer<Result<R::Result, RequestFailure>>
    where
        R: Request<Params: Serialize, Result: DeserializeOwned + Send + 'static>,
    {
        self.start(R::NAME, params, read_answer::<R::Result, ErrorCode>)
    }

    /// Sends a request like [`Peer::request`], and returns the peer's whole error object. Only for
    /// a side that may read and display what the peer writes.
    pub fn request_detailed<R>(
        self: &Arc<Self>,
        params: &R::Params,
    ) -> PendingAnswer<Result<R::Result, RequestFailure<ErrorObjectOwned>>>
    where
        R: Request<Params: Serialize, Result: DeserializeOwned + Send + 'static>,
    {
        self.start(R::NAME, params, read_answer::<R::Result, ErrorObjectOwned>)
    }

    /// Sends a request outside the method table. Its result stays JSON.
    pub fn request_raw(
        self: &Arc<Self>,
        method: &str,
        params: &impl Serialize,
    ) -> PendingAnswer<Result<Box<RawValue>, RequestFailure<ErrorObjectOwned>>> {
        self.start(
            method,
            params,
            read_answer::<Box<RawValue>, ErrorObjectOwned>,
        )
    }

    fn start<T: Send + 'static>(
        self: &Arc<Self>,
        method: &str,
        params: &impl Serialize,
        read: fn(RawAnswer<'_>) -> T,
    ) -> PendingAnswer<T> {
        let id = self.next_request.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        let mut requests = self.requests();
        // Dropping the sender makes the pending response an error at once.
        if !requests.closed {
            let resolve: Resolve = Box::new(move |raw| {
                // The future may have been dropped already.
                drop(sender.send(read(raw)));
            });
            requests.open.insert(id, resolve);
            self.outbox.push(&message::Request { method, id, params });
        }
        drop(requests);
        PendingAnswer {
            peer: Arc::clone(self),
            id,
            answer,
            cancels: false,
        }
    }

    /// Resolves one of our requests with its response. A response without an open request is late,
    /// repeated or forged, and ignored.
    pub(crate) fn answered(&self, id: &RequestId, answer: RawAnswer<'_>) {
        let resolve = match id {
            RequestId::Integer(id) => self.requests().open.remove(id),
            RequestId::String(_) => None,
        };
        match resolve {
            Some(resolve) => resolve(answer),
            None => tracing::debug!("an answer without an open request was ignored"),
        }
    }

    /// Ends the connection in good order, without the others of its listener.
    pub fn hang_up(&self) {
        self.outbox.hang_up();
    }

    /// Ends the connection: nothing more is sent, and open requests fail.
    pub fn close(&self) {
        self.outbox.close();
        self.end_requests();
    }

    /// Fails open and later requests: no response can arrive any more.
    pub fn end_requests(&self) {
        let mut requests = self.requests();
        requests.closed = true;
        requests.open.clear();
    }

    /// Returns whether responses of this peer can still arrive.
    #[must_use]
    pub fn can_answer(&self) -> bool {
        !self.requests().closed
    }

    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_answer<T: DeserializeOwned, E: AnswerError>(
    answer: RawAnswer<'_>,
) -> Result<T, RequestFailure<E>> {
    match answer {
        Ok(result) => serde_json::from_str(result.get()).map_err(|_| RequestFailure::AnswerInvalid),
        Err(error) => Err(RequestFailure::Refused(E::read(error))),
    }
}

/// The pending response to one of our requests. Dropping it cancels the request.
#[derive(Debug)]
pub struct PendingAnswer<T> {
    peer: Arc<Peer>,
    id: i64,
    answer: oneshot::Receiver<T>,
    /// Whether the peer gets a cancellation when this is dropped.
    cancels: bool,
}

impl<T, E> PendingAnswer<Result<T, RequestFailure<E>>> {
    /// Sends `$/cancelRequest` when this is dropped before the response.
    #[must_use]
    pub fn cancelled_on_drop(mut self) -> Self {
        self.cancels = true;
        self
    }

    /// Waits for the response with a timeout.
    ///
    /// # Errors
    ///
    /// [`RequestFailure`]; [`RequestFailure::TimedOut`] after this time.
    pub async fn within(self, after: Duration) -> Result<T, RequestFailure<E>> {
        match tokio::time::timeout(after, self).await {
            Ok(answer) => answer,
            Err(_) => Err(RequestFailure::TimedOut { after }),
        }
    }
}

impl<T, E> Future for PendingAnswer<Result<T, RequestFailure<E>>> {
    type Output = Result<T, RequestFailure<E>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.answer).poll(context));
        Poll::Ready(answer.unwrap_or(Err(RequestFailure::Gone)))
    }
}

impl<T> Drop for PendingAnswer<T> {
    fn drop(&mut self) {
        let given_up = self.peer.requests().open.remove(&self.id).is_some();
        if given_up && self.cancels {
            let id = RequestId::Integer(self.id);
            self.peer
                .notify::<CancelRequest>(&CancelRequestParams { id });
        }
    }
}
