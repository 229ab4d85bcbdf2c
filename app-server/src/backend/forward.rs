//! Requests of the gateway's clients: their method, headers and body, our destination and
//! credential. Answers go back as they came, refusals of the backend included.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use byokey_http::Response;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{HeaderMap, Method, StatusCode};
use tokio::time::Instant;

use super::limits::{CALL_DEADLINE, Limit};
use super::room::{AnswerRoom, Part};
use super::route::Carries;
use super::sse::Body;
use super::standby::Refill;
use super::{Admission, Answer, Backend, BackendError, Call, Service, Unrouted, body, signed_out};
use byokey_auth::Lease;

/// A request of a client of the gateway.
pub(crate) struct Forwarded<'a> {
    pub(crate) service: Service,
    /// Its path below the service's address.
    pub(crate) path: &'static str,
    /// Its query, if it has one.
    pub(crate) query: Option<&'a str>,
    /// Those of its headers that pass. They replace ours, except the credential's and the
    /// provider's.
    pub(crate) headers: &'a HeaderMap,
    /// Its body. A request without one is a `GET`.
    pub(crate) body: Option<Bytes>,
    /// Called when a model request goes to the default backend.
    pub(crate) on_unrouted: &'a (dyn Fn(&Unrouted) + Sync),
}

/// What a client of the gateway sends along with a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FromClient<'a> {
    pub(crate) query: Option<&'a str>,
    pub(crate) headers: &'a HeaderMap,
}

/// The answer to a [`Forwarded`].
#[derive(Debug)]
pub(crate) struct ForwardedAnswer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: ForwardedBody,
}

/// The body of a [`ForwardedAnswer`].
#[derive(Debug)]
pub(crate) enum ForwardedBody {
    /// A short document.
    Whole(Bytes),
    /// A stream.
    Stream(AnswerStream),
}

/// A streamed answer. It breaks off when the user logs out, and when nothing arrives in time.
pub(crate) struct AnswerStream {
    body: Body,
    idle_timeout: Duration,
    signed_out: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// That of the answers which are read here.
    room: Arc<AnswerRoom>,
    /// Prepares the next call when this one is over.
    _refill: Refill,
}

/// A streamed answer was interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BrokenOff {
    /// The user logged out.
    #[error("signed out while the answer was in progress")]
    SignedOut,
    /// It has an event that is too long to read.
    #[error("the answer has an event that is too long")]
    TooLong,
    /// Other answers take the room that reading it needs.
    #[error("there is no room for the answer beside those in progress")]
    NoRoom,
    /// The connection to the backend failed, or it was silent for too long.
    #[error("the connection to the backend broke off")]
    Interrupted,
}

impl From<Limit> for BrokenOff {
    fn from(limit: Limit) -> Self {
        match limit {
            Limit::Room => Self::NoRoom,
            _ => Self::TooLong,
        }
    }
}

impl fmt::Debug for AnswerStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerStream").finish_non_exhaustive()
    }
}

impl Backend {
    /// Sends the request of a client, and returns the answer when it begins; that of a `GET` when it
    /// is complete. An error status of the backend is [`BackendError::Status`], with the answer in
    /// it. Nothing is sent again but after a 401: the client has its own retries.
    pub(crate) async fn forward(
        &self,
        lease: Option<Lease>,
        request: Forwarded<'_>,
        admits: Admission<'_>,
    ) -> Result<ForwardedAnswer, BackendError> {
        let idle_timeout = self.config().provider.stream_idle_timeout;
        let signed_out = Box::pin(signed_out(lease.as_ref()));
        let is_short = request.body.is_none();
        let body = request.body.unwrap_or_default();
        let make_body = |_: super::request_body::Recipient<'_>| body.clone();
        let deadline = if is_short {
            CALL_DEADLINE
        } else {
            idle_timeout
        };
        let call = Call {
            on_unrouted: if is_short {
                None
            } else {
                Some(request.on_unrouted)
            },
            method: if is_short { Method::GET } else { Method::POST },
            body: if is_short { None } else { Some(&make_body) },
            retries: 0,
            keeps_account: true,
            from_client: Some(FromClient {
                query: request.query,
                headers: request.headers,
            }),
            ..Call::get(request.service, request.path, Instant::now() + deadline)
        };
        let Answer {
            response,
            deadline,
            refill,
            _permit,
            account: _,
            token: _,
        } = self.send(&call, lease, admits).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = if is_short {
            let whole = Box::pin(body::whole(response, self.rooms.own.part()));
            tokio::select! {
                whole = tokio::time::timeout_at(deadline, whole) => {
                    let whole = whole.map_err(|_| BackendError::Timeout)??;
                    ForwardedBody::Whole(whole.into_bytes())
                }
                () = signed_out => return Err(BackendError::SignedOut),
            }
        } else {
            ForwardedBody::Stream(AnswerStream::new(
                response,
                idle_timeout,
                signed_out,
                Arc::clone(&self.rooms.clients),
                refill,
            ))
        };
        Ok(ForwardedAnswer {
            status,
            headers,
            body,
        })
    }

    /// Returns whether a model request under this credential goes to the ChatGPT backend.
    pub(crate) fn is_for_chatgpt(&self, lease: Option<&Lease>) -> bool {
        let is_login = Carries::of(&self.config().provider, lease).is_login();
        is_login && lease.is_some_and(|lease| lease.credential.chatgpt().is_some())
    }

    /// Returns whether model requests can be made without a credential in force: the provider has
    /// its own, or needs none.
    #[must_use]
    pub fn needs_no_login(&self) -> bool {
        !Carries::of(&self.config().provider, None).is_login()
    }
}

impl AnswerStream {
    fn new(
        response: Response,
        idle_timeout: Duration,
        signed_out: Pin<Box<dyn Future<Output = ()> + Send>>,
        room: Arc<AnswerRoom>,
        _refill: Refill,
    ) -> Self {
        Self {
            body: Box::pin(response.bytes_stream()),
            idle_timeout,
            signed_out,
            room,
            _refill,
        }
    }

    /// Returns an empty part of the room for what is stored of the answer.
    pub(crate) fn part(&self) -> Part {
        self.room.part()
    }

    /// Returns the next bytes; `None` at the end. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, BrokenOff> {
        let chunk = tokio::time::timeout(self.idle_timeout, self.body.next());
        tokio::select! {
            chunk = chunk => match chunk {
                Ok(Some(Ok(chunk))) => Ok(Some(chunk)),
                Ok(None) => Ok(None),
                Ok(Some(Err(_))) | Err(_) => Err(BrokenOff::Interrupted),
            },
            () = &mut self.signed_out => Err(BrokenOff::SignedOut),
        }
    }
}
