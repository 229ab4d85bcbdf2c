//! A model request and its streamed answer.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use byokey_protocol::limits::RateLimitSnapshot;
use byokey_protocol::thread::TokenUsage;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::Method;
use sse_stream::SseByteStream;

use super::error::{ErrorDetails, Reason};
use super::rate_limits::from_headers;
use super::request_body::TurnRequest;
use super::sse::{Event, Incomplete};
use super::{Admission, Backend, BackendError, Call, Service};
use byokey_auth::Lease;

/// What an answer brings, in order.
#[derive(Debug, PartialEq)]
pub enum TurnEvent {
    /// The backend told rate limits.
    RateLimits(Box<RateLimitSnapshot>),
    /// A message begins.
    MessageStarted {
        /// The backend's id of it.
        id: Option<String>,
    },
    /// The message grows.
    TextDelta(String),
    /// The message is complete.
    MessageDone {
        /// The backend's id of it.
        id: Option<String>,
        /// All of its text.
        text: String,
        /// Its phase, if the model names one.
        phase: Option<String>,
    },
    /// The answer is complete.
    Completed(Option<TokenUsage>),
}

/// Why an answer broke off.
#[derive(Debug, thiserror::Error)]
pub enum StreamFailure {
    /// The call itself failed.
    #[error(transparent)]
    Call(#[from] BackendError),
    /// The stream ended early.
    #[error("stream disconnected before completion: {0}")]
    Disconnected(&'static str),
    /// The backend told in the stream why it stops.
    #[error("{}", .0.text())]
    Told(Reason),
    /// The backend stopped for a reason without a name here.
    #[error("stream disconnected before completion: the backend gave up on the answer")]
    GaveUp,
    /// The backend left the answer incomplete.
    #[error("Incomplete response returned{}", .0.text())]
    Incomplete(Incomplete),
    /// The backend told in the stream to come back later.
    #[error("the backend's rate limit is exceeded; try again later")]
    RateLimited,
}

type Body = Pin<Box<dyn Stream<Item = Result<Bytes, byokey_http::BodyError>> + Send>>;

/// A streamed answer.
pub struct TurnStream {
    events: SseByteStream<Body>,
    ready: VecDeque<TurnEvent>,
    idle_timeout: Duration,
    signed_out: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl fmt::Debug for TurnStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TurnStream").finish_non_exhaustive()
    }
}

impl Backend {
    /// Sends what a turn asks, and returns when the answer begins. It is sent only under
    /// credentials that `admits` returns true for.
    ///
    /// # Errors
    ///
    /// [`StreamFailure`] when there is no successful answer.
    pub async fn respond(
        &self,
        lease: Option<Lease>,
        request: &TurnRequest,
        admits: Admission<'_>,
    ) -> Result<TurnStream, StreamFailure> {
        let provider = &self.config.provider;
        let call = Call {
            service: Service::Models,
            method: Method::POST,
            path: "/responses",
            query: Vec::new(),
            headers: vec![
                ("accept", "text/event-stream".to_owned()),
                ("session-id", request.thread_id.clone()),
                ("thread-id", request.thread_id.clone()),
                ("x-client-request-id", request.thread_id.clone()),
            ],
            body: Some(request.to_json().into()),
            retries: provider.request_max_retries,
            deadline: provider.stream_idle_timeout,
        };
        let signed_out = Box::pin(super::signed_out(lease.as_ref()));
        let response = self.send(&call, lease, admits).await?;
        let limits = from_headers(response.headers()).into_iter();
        let ready = limits
            .map(|limits| TurnEvent::RateLimits(Box::new(limits)))
            .collect();
        let body: Body = Box::pin(response.bytes_stream());
        let idle_timeout = provider.stream_idle_timeout;
        Ok(TurnStream {
            events: SseByteStream::new(body),
            ready,
            idle_timeout,
            signed_out,
        })
    }
}

impl TurnStream {
    /// The next event. After [`TurnEvent::Completed`] there is none.
    ///
    /// # Errors
    ///
    /// [`StreamFailure`] when the answer breaks off.
    pub async fn next(&mut self) -> Result<TurnEvent, StreamFailure> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(event);
            }
            let event = tokio::select! {
                event = tokio::time::timeout(self.idle_timeout, self.events.next()) => event,
                () = &mut self.signed_out => return Err(BackendError::SignedOut.into()),
            };
            let data = match event {
                Err(_) => return Err(StreamFailure::Disconnected("idle timeout waiting for SSE")),
                Ok(None) => {
                    let closed = "stream closed before response.completed";
                    return Err(StreamFailure::Disconnected(closed));
                }
                Ok(Some(Err(_))) => {
                    return Err(StreamFailure::Disconnected(
                        "error while reading the stream",
                    ));
                }
                Ok(Some(Ok(event))) => event.data.unwrap_or_default(),
            };
            // An event that cannot be read is of a kind that this program does not know.
            if let Ok(event) = serde_json::from_str(&data) {
                self.ready.extend(meaning(event)?);
            }
        }
    }
}

fn meaning(event: Event) -> Result<Option<TurnEvent>, StreamFailure> {
    Ok(match event {
        Event::ItemAdded { item } if item.is_agent_message() => {
            Some(TurnEvent::MessageStarted { id: item.id })
        }
        Event::TextDelta { delta } => Some(TurnEvent::TextDelta(delta)),
        Event::ItemDone { item } if item.is_agent_message() => {
            let text = item.text();
            Some(TurnEvent::MessageDone {
                id: item.id,
                text,
                phase: item.phase,
            })
        }
        Event::Completed { response } => {
            Some(TurnEvent::Completed(response.usage.map(TokenUsage::from)))
        }
        Event::RateLimits(limits) => Some(TurnEvent::RateLimits(Box::new(limits.into()))),
        Event::Failed { response } => return Err(failure(response.error.as_ref())),
        Event::Incomplete { response } => {
            let details = response.incomplete_details.unwrap_or_default();
            return Err(StreamFailure::Incomplete(details.reason));
        }
        Event::ItemAdded { .. } | Event::ItemDone { .. } | Event::Other => None,
    })
}

fn failure(error: Option<&ErrorDetails>) -> StreamFailure {
    match error {
        Some(error) if error.is_rate_limit() => StreamFailure::RateLimited,
        error => error
            .and_then(ErrorDetails::reason)
            .map_or(StreamFailure::GaveUp, StreamFailure::Told),
    }
}
