//! One request of the peer, on its way to its handler and its response.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use byokey_protocol::request_id::RequestId;
use futures_util::FutureExt as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::RequestError;
use crate::in_flight::InFlight;
use crate::params;
use crate::peer::Peer;

/// A request that is not answered yet. Exactly one response is owed to it.
#[derive(Debug)]
#[must_use = "a request is owed an answer"]
pub struct Call<'a> {
    peer: &'a Arc<Peer>,
    in_flight: &'a Arc<InFlight>,
    id: RequestId,
    params: Option<&'a RawValue>,
}

impl<'a> Call<'a> {
    /// Wraps a request of this peer.
    pub const fn new(
        peer: &'a Arc<Peer>,
        in_flight: &'a Arc<InFlight>,
        id: RequestId,
        params: Option<&'a RawValue>,
    ) -> Self {
        Self {
            peer,
            in_flight,
            id,
            params,
        }
    }

    /// Returns the id that its response carries.
    #[must_use]
    pub const fn id(&self) -> &RequestId {
        &self.id
    }

    /// Reads the parameters and runs a handler that does not wait. A panic of the handler becomes
    /// an internal error with a fixed text.
    ///
    /// # Errors
    ///
    /// Invalid parameters, or the handler's error.
    pub fn run<P: DeserializeOwned, T>(
        &self,
        handler: impl FnOnce(P) -> Result<T, RequestError>,
    ) -> Result<T, RequestError> {
        let params = params::parse(self.params)?;
        or_internal(catch_unwind(AssertUnwindSafe(|| handler(params))))
    }

    /// Answers with a result or an error.
    pub fn answer<R: Serialize>(self, outcome: Result<R, RequestError>) {
        match outcome {
            Ok(result) => self.peer.respond(&self.id, result),
            Err(error) => self.refuse(error),
        }
    }

    /// Answers with an error.
    pub fn refuse(self, error: RequestError) {
        self.peer.respond_error(Some(&self.id), error);
    }

    /// Returns whether the peer has reached a limit of requests in flight.
    #[must_use]
    pub fn is_overload(&self) -> bool {
        self.in_flight.is_full(self.params_bytes())
    }

    /// Returns the length of the parameters, in bytes.
    #[must_use]
    pub fn params_bytes(&self) -> usize {
        self.params.map_or(0, |params| params.get().len())
    }

    /// Spawns `pending` and answers with its outcome, through `answer`. Both are dropped when the
    /// peer cancels the request or the connection ends: the request is answered by then. A panic of
    /// `pending` becomes an internal error.
    pub fn spawn<T>(
        self,
        pending: impl Future<Output = Result<T, RequestError>> + Send + 'static,
        answer: impl FnOnce(&RequestId, Result<T, RequestError>) + Send + 'static,
    ) where
        T: Send + 'static,
    {
        let pending = AssertUnwindSafe(pending).catch_unwind();
        let (in_flight, bytes) = (Arc::clone(self.in_flight), self.params_bytes());
        self.in_flight.start(self.id, bytes, |id| async move {
            let outcome = or_internal(pending.await);
            // The task that removes the id answers; a cancelled request is answered already.
            if in_flight.finish(&id) {
                answer(&id, outcome);
                in_flight.announce();
            }
        });
    }
}

/// Turns a panic into an internal error. Its payload is dropped: it may contain a secret.
fn or_internal<T>(
    caught: Result<Result<T, RequestError>, Box<dyn Any + Send>>,
) -> Result<T, RequestError> {
    caught.unwrap_or_else(|_| Err(RequestError::internal()))
}
