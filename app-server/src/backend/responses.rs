//! A model request and its streamed response.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use byokey_protocol::limits::RateLimitSnapshot;
use byokey_protocol::thread::TokenUsage;
use http::Method;
use tokio::time::Instant;

use super::details::{Cause, ErrorDetails};
use super::error::shows;
use super::events::{Event, Incomplete};
use super::limits::{
    ERROR_EVENT_GRACE, Limit, MAX_OUTPUT_ITEMS, MAX_TURN_REASONING, MAX_TURN_TEXT,
};
use super::provider_token::ProviderToken;
use super::rate_limits::from_headers;
use super::reason::Reason;
use super::reasoning::Reasoning;
use super::request_body::{Recipient, TurnRequest};
use super::room::{Part, of_text};
use super::sse::{EventReader, RawEvent, ReadFailure};
use super::standby::Refill;
use super::{Admission, Answer, Backend, BackendError, Call, Renewal, Service, Unrouted};
use crate::config::Config;
use byokey_auth::{AccountIdentity, AuthManager, Lease};

/// The events of a response, in order.
#[derive(Debug, PartialEq)]
pub enum TurnEvent {
    /// The backend reported rate limits.
    RateLimits(Box<RateLimitSnapshot>),
    /// A message begins.
    MessageStarted {
        /// The backend's id of it.
        id: Option<String>,
    },
    /// A delta of the message.
    TextDelta(String),
    /// The message is complete.
    MessageDone {
        /// The backend's id of it.
        id: Option<String>,
        /// Its whole text.
        text: String,
        /// Its phase, if the model names one.
        phase: Option<String>,
    },
    /// The model's reasoning before the message that follows.
    Reasoning(Reasoning),
    /// The response is complete.
    Completed(Option<TokenUsage>),
}

/// Why a response failed.
#[derive(Debug, thiserror::Error)]
pub enum StreamFailure {
    /// The call itself failed.
    #[error(transparent)]
    Call(#[from] BackendError),
    /// The stream ended early.
    #[error("stream disconnected before completion: {0}")]
    Disconnected(&'static str),
    /// The backend stated a reason in the stream.
    #[error("{}", reported(.0))]
    Reported(Cause),
    /// The backend stopped without a reason.
    #[error("stream disconnected before completion: the backend gave up on the answer")]
    GaveUp,
    /// The backend left the response incomplete.
    #[error("Incomplete response returned{}", .0.text())]
    Incomplete(Incomplete),
    /// The response exceeds a limit.
    #[error(transparent)]
    Limit(#[from] Limit),
    /// An event of a known type cannot be parsed.
    #[error("the backend's event {0} cannot be read")]
    Unreadable(&'static str),
}

impl StreamFailure {
    /// Returns whether the backend cannot read the reasoning in the request.
    pub(crate) fn is_about_reasoning(&self) -> bool {
        let cause = match self {
            Self::Call(BackendError::Status(failed)) => &failed.cause,
            Self::Reported(cause) => cause,
            _ => return false,
        };
        cause.reason == Some(Reason::ForeignReasoning)
    }
}

fn reported(cause: &Cause) -> String {
    match (cause.text(), &cause.code) {
        (Some(text), _) => text,
        (None, Some(code)) => format!("the backend stopped the answer: {code}"),
        (None, None) => StreamFailure::GaveUp.to_string(),
    }
}

/// A streamed response.
pub struct TurnStream {
    events: EventReader,
    ready: VecDeque<TurnEvent>,
    /// The cause of a failure that follows, and the deadline for it.
    reported: Option<(Cause, Instant)>,
    size: AnswerSize,
    /// The room that was taken for its content.
    taken: usize,
    /// The account of the call, if it carried the credential in force.
    account: Option<AccountIdentity>,
    /// Used to keep bearers out of codes.
    auth: Arc<AuthManager>,
    config: Arc<Config>,
    token: Option<ProviderToken>,
    signed_out: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Prepares the next turn when this one is over.
    _refill: Refill,
}

impl fmt::Debug for TurnStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TurnStream").finish_non_exhaustive()
    }
}

impl Backend {
    /// Sends a model request and returns when the response begins. It is sent only under
    /// credentials that `admits` accepts. `on_renewal` hears of a renewal that it waits for, and
    /// `on_unrouted` that it goes to the configured backend because the routing of its workspace is
    /// not known.
    ///
    /// # Errors
    ///
    /// [`StreamFailure`] when there is no successful response.
    pub async fn respond(
        &self,
        lease: Option<Lease>,
        request: TurnRequest,
        admits: Admission<'_>,
        on_renewal: &(dyn Fn(Renewal) + Sync),
        on_unrouted: &(dyn Fn(&Unrouted) + Sync),
    ) -> Result<TurnStream, StreamFailure> {
        let config = self.config();
        let provider = &config.provider;
        let body = |recipient: Recipient<'_>| request.to_json(recipient).into();
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
            body: Some(&body),
            retries: provider.request_max_retries,
            renews: true,
            keeps_account: false,
            on_renewal: Some(on_renewal),
            on_unrouted: Some(on_unrouted),
            deadline: provider.stream_idle_timeout,
            #[cfg(feature = "gateway")]
            from_client: None,
        };
        let signed_out = Box::pin(super::signed_out(lease.as_ref()));
        let answer = self.send(&call, lease, admits).await?;
        let Answer {
            response,
            account,
            token,
            refill,
            ..
        } = answer;
        let limits = from_headers(response.headers()).into_iter();
        let ready = limits
            .map(|limits| TurnEvent::RateLimits(Box::new(limits)))
            .collect();
        let body = Box::pin(response.bytes_stream());
        Ok(TurnStream {
            events: EventReader::new(body, provider.stream_idle_timeout, self.rooms.own.part()),
            ready,
            reported: None,
            size: AnswerSize::default(),
            taken: 0,
            account,
            auth: Arc::clone(&self.auth),
            config,
            token,
            signed_out,
            _refill: refill,
        })
    }
}

impl Backend {
    /// Returns the part of the room for answers in which a turn keeps what it was sent.
    #[must_use]
    pub fn room_of_turn(&self) -> Part {
        self.rooms.own.part()
    }
}

impl TurnStream {
    /// Returns the account of the response, if the call carried the credential in force.
    #[must_use]
    pub const fn account(&self) -> Option<&AccountIdentity> {
        self.account.as_ref()
    }

    /// Returns the next event. None follows [`TurnEvent::Completed`]. The room for the event itself is
    /// held until the next one is asked for, and that for its content becomes part of `kept`.
    ///
    /// # Errors
    ///
    /// [`StreamFailure`] when the response breaks off.
    pub async fn next(&mut self, kept: &mut Part) -> Result<TurnEvent, StreamFailure> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.size.add(&event)?;
                let (before, after) = (self.taken, self.size.in_memory());
                kept.give_back(before.saturating_sub(after));
                kept.take(after.saturating_sub(before))?;
                self.taken = after;
                return Ok(event);
            }
            let raw = match self.read().await {
                Ok(raw) => raw,
                Err(failure) => return Err(self.reported_or(failure)),
            };
            let event = Event::parse(&raw)
                .map_err(|unreadable| self.reported_or(StreamFailure::Unreadable(unreadable.0)))?;
            drop(raw);
            let event = self.meaning(event)?;
            self.ready.extend(event);
        }
    }

    async fn read(&mut self) -> Result<RawEvent, StreamFailure> {
        let grace = self.reported.as_ref().map(|(_, until)| *until);
        let over = async {
            match grace {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        let event = tokio::select! {
            event = self.events.next() => event,
            () = over => return Err(StreamFailure::GaveUp),
            () = &mut self.signed_out => return Err(BackendError::SignedOut.into()),
        };
        match event {
            Ok(Some(event)) => Ok(event),
            Ok(None) => Err(StreamFailure::Disconnected(
                "stream closed before response.completed",
            )),
            Err(ReadFailure::Idle) => {
                Err(StreamFailure::Disconnected("idle timeout waiting for SSE"))
            }
            Err(ReadFailure::Broken) => Err(StreamFailure::Disconnected(
                "error while reading the stream",
            )),
            Err(ReadFailure::Limit(limit)) => Err(limit.into()),
        }
    }

    /// Returns the failure, or the cause that the backend reported before.
    fn reported_or(&mut self, failure: StreamFailure) -> StreamFailure {
        let says_more = matches!(
            failure,
            StreamFailure::Disconnected(_) | StreamFailure::GaveUp | StreamFailure::Unreadable(_)
        );
        match self.reported.take().filter(|_| says_more) {
            Some((cause, _)) => StreamFailure::Reported(cause),
            None => failure,
        }
    }

    fn meaning(&mut self, event: Event) -> Result<Option<TurnEvent>, StreamFailure> {
        Ok(match event {
            Event::ItemAdded(item) if item.is_agent_message() => {
                Some(TurnEvent::MessageStarted { id: item.id() })
            }
            Event::TextDelta(delta) => Some(TurnEvent::TextDelta(delta)),
            Event::ItemDone(item) if item.is_agent_message() => Some(TurnEvent::MessageDone {
                id: item.id(),
                text: item.text(),
                phase: item.phase(),
            }),
            Event::ItemDone(item) => item
                .into_reasoning()
                .filter(|reasoning| self.size.admits(reasoning))
                .map(TurnEvent::Reasoning),
            Event::Completed(usage) => Some(TurnEvent::Completed(usage.map(TokenUsage::from))),
            Event::RateLimits(limits) => Some(TurnEvent::RateLimits(Box::new((*limits).into()))),
            Event::Failed(details) => {
                let cause = self.cause(details.as_ref());
                return Err(match cause {
                    Some(cause) if cause.reason.is_some() || self.reported.is_none() => {
                        StreamFailure::Reported(cause)
                    }
                    _ => self.reported_or(StreamFailure::GaveUp),
                });
            }
            Event::Error(details) => {
                if let Some(cause) = self.cause(details.as_ref()) {
                    self.reported = Some((cause, Instant::now() + ERROR_EVENT_GRACE));
                }
                None
            }
            Event::Incomplete(reason) => return Err(StreamFailure::Incomplete(reason)),
            Event::ItemAdded(_) | Event::Other => None,
        })
    }

    /// Returns the cause of a failure according to the backend; `None` if it has no known form.
    fn cause(&self, details: Option<&ErrorDetails>) -> Option<Cause> {
        let lease = self.auth.lease();
        let bearer = lease.as_ref().map(|lease| lease.credential.bearer());
        let printed = self.token.as_ref().map(|token| &*token.secret);
        let secrets = [bearer, self.config.provider.own_bearer.as_ref(), printed];
        let is_secret = |text: &str| secrets.iter().flatten().any(|secret| shows(text, secret));
        let cause = details?.cause(is_secret);
        details?.is_known_form().then_some(cause)
    }
}

/// What a message or an item of reasoning takes beside its text.
const ITEM: usize = 512;

/// The size of a response so far.
#[derive(Default)]
struct AnswerSize {
    text: usize,
    started: usize,
    messages: usize,
    /// Text of the current message, which its end repeats.
    growing: usize,
    reasoning: usize,
    items: usize,
}

impl AnswerSize {
    /// Counts an item of reasoning. Returns whether it is within the limit.
    fn admits(&mut self, reasoning: &Reasoning) -> bool {
        let sum = self.reasoning.saturating_add(reasoning.size());
        let is_admitted = sum <= MAX_TURN_REASONING;
        if is_admitted {
            self.reasoning = sum;
        }
        is_admitted
    }

    /// Returns what the response so far takes in memory, with three times its text: in the
    /// conversation, and in the notifications of its beginning and its end.
    const fn in_memory(&self) -> usize {
        3 * self.text + self.reasoning + self.items * ITEM
    }

    fn add(&mut self, event: &TurnEvent) -> Result<(), Limit> {
        match event {
            TurnEvent::MessageStarted { .. } => {
                self.started += 1;
                self.items += 1;
                self.growing = 0;
            }
            TurnEvent::TextDelta(delta) => {
                let length = of_text(delta);
                self.growing = self.growing.saturating_add(length);
                self.text = self.text.saturating_add(length);
            }
            TurnEvent::MessageDone { text, .. } => {
                self.messages += 1;
                self.items = self.items.max(self.messages);
                self.text = self.text.saturating_sub(self.growing);
                self.text = self.text.saturating_add(of_text(text).max(self.growing));
                self.growing = 0;
            }
            TurnEvent::Reasoning(_) => self.items += 1,
            TurnEvent::RateLimits(_) | TurnEvent::Completed(_) => {}
        }
        if self.text > MAX_TURN_TEXT {
            return Err(Limit::TurnText);
        }
        if self.messages.max(self.started) > MAX_OUTPUT_ITEMS {
            return Err(Limit::OutputItems);
        }
        Ok(())
    }
}
