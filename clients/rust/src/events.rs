//! What the server tells: a stream of events for each who asks.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use byokey_protocol::account::AccountUpdated;
use byokey_protocol::item::{AgentMessageDelta, ItemCompleted, ItemStarted};
use byokey_protocol::limits::RateLimitsUpdated;
use byokey_protocol::login::LoginCompleted;
use byokey_protocol::methods::{self, Notification};
use byokey_protocol::thread::{ThreadStarted, ThreadStatusChanged, TokenUsageUpdated};
use byokey_protocol::turn::{ErrorNotification, TurnNotification};
use byokey_protocol::warning::{ConfigWarning, Warning};
use futures_util::Stream;
use serde_json::Value;
use tokio::sync::{Notify, mpsc};

/// How many events may wait for a reader.
const MOST_WAITING: usize = 100_000;

macro_rules! events {
    ($( $(#[$doc:meta])* $name:ident($params:ty) = $method:ident; )*) => {
        /// One notification of the server.
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub enum Event {
            $( $(#[$doc])* $name($params), )*
            /// One that this version does not know, or whose members it does not understand.
            Unknown {
                /// Its name on the wire.
                method: String,
                /// Its parameters, as they came.
                params: Value,
            },
            /// More than 100,000 events waited, and the stream ends here. Open a new one, and read
            /// it all the time.
            Lost,
        }

        impl Event {
            /// Its name on the wire; none for [`Event::Lost`], which was not on it.
            #[must_use]
            pub fn method(&self) -> &str {
                match self {
                    $( Self::$name(_) => methods::$method::NAME, )*
                    Self::Unknown { method, .. } => method,
                    Self::Lost => "",
                }
            }

            /// Its parameters as JSON.
            #[must_use]
            pub fn params(&self) -> Value {
                match self {
                    $( Self::$name(params) => serde_json::to_value(params).unwrap_or_default(), )*
                    Self::Unknown { params, .. } => params.clone(),
                    Self::Lost => Value::Null,
                }
            }

            /// The event that a notification is, whatever it holds.
            pub(crate) fn read(method: &str, params: &str) -> Self {
                let known = match method {
                    $( methods::$method::NAME => serde_json::from_str(params).ok().map(Self::$name), )*
                    _ => None,
                };
                known.unwrap_or_else(|| Self::Unknown {
                    method: method.to_owned(),
                    params: serde_json::from_str(params).unwrap_or_default(),
                })
            }
        }
    };
}

events! {
    /// The credential, the account or its plan changed.
    AccountUpdated(AccountUpdated) = AccountUpdatedNotification;
    /// A login ended.
    LoginCompleted(LoginCompleted) = LoginCompletedNotification;
    /// The backend told new rate limits.
    RateLimitsUpdated(RateLimitsUpdated) = RateLimitsUpdatedNotification;
    /// A thread exists.
    ThreadStarted(ThreadStarted) = ThreadStartedNotification;
    /// A thread became active or idle.
    ThreadStatusChanged(ThreadStatusChanged) = ThreadStatusChangedNotification;
    /// A turn runs.
    TurnStarted(TurnNotification) = TurnStartedNotification;
    /// An item began.
    ItemStarted(ItemStarted) = ItemStartedNotification;
    /// The model's message grew.
    AgentMessageDelta(AgentMessageDelta) = AgentMessageDeltaNotification;
    /// An item is complete.
    ItemCompleted(ItemCompleted) = ItemCompletedNotification;
    /// The backend told the tokens used.
    TokenUsageUpdated(TokenUsageUpdated) = TokenUsageUpdatedNotification;
    /// A turn ended, well or not.
    TurnCompleted(TurnNotification) = TurnCompletedNotification;
    /// A turn met a failure.
    TurnError(ErrorNotification) = TurnErrorNotification;
    /// Something is not as the user may expect.
    Warning(Warning) = WarningNotification;
    /// The configuration has a mistake.
    ConfigWarning(ConfigWarning) = ConfigWarningNotification;
}

/// Events in the order in which they were sent, until the connection ends.
#[derive(Debug)]
pub struct EventStream {
    missed: VecDeque<Event>,
    waiting: mpsc::Receiver<Event>,
    lost: Arc<AtomicBool>,
}

impl EventStream {
    /// The next event, or none when the connection has ended.
    pub async fn next(&mut self) -> Option<Event> {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        if let Some(event) = self.missed.pop_front() {
            return Poll::Ready(Some(event));
        }
        let next = ready!(self.waiting.poll_recv(context));
        let lost = || {
            self.lost
                .swap(false, Ordering::Relaxed)
                .then_some(Event::Lost)
        };
        Poll::Ready(next.or_else(lost))
    }
}

impl Stream for EventStream {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll(context)
    }
}

/// Gives each event to every stream.
#[derive(Debug)]
pub(crate) struct Events {
    state: Mutex<State>,
    /// Is told whenever the account changes.
    pub(crate) account_updated: Notify,
}

#[derive(Debug)]
struct State {
    /// What comes before the first stream is opened is kept for it.
    early: Option<VecDeque<Event>>,
    /// None when the connection has ended.
    streams: Option<Vec<(mpsc::Sender<Event>, Arc<AtomicBool>)>>,
}

impl Events {
    pub(crate) const fn new() -> Self {
        Self {
            state: Mutex::new(State {
                early: Some(VecDeque::new()),
                streams: Some(Vec::new()),
            }),
            account_updated: Notify::const_new(),
        }
    }

    pub(crate) fn stream(&self) -> EventStream {
        let (sender, waiting) = mpsc::channel(MOST_WAITING);
        let lost = Arc::new(AtomicBool::new(false));
        let mut state = self.state();
        if let Some(streams) = &mut state.streams {
            streams.push((sender, Arc::clone(&lost)));
        }
        EventStream {
            missed: state.early.take().unwrap_or_default(),
            waiting,
            lost,
        }
    }

    pub(crate) fn tell(&self, event: &Event) {
        if event.method() == methods::AccountUpdatedNotification::NAME {
            self.account_updated.notify_one();
        }
        let mut state = self.state();
        if let Some(early) = state.early.as_mut().filter(|it| it.len() < MOST_WAITING) {
            early.push_back(event.clone());
        }
        let Some(streams) = &mut state.streams else {
            return;
        };
        streams.retain(|(stream, lost)| match stream.try_send(event.clone()) {
            Ok(()) => true,
            Err(full_or_closed) => {
                let is_full = matches!(full_or_closed, mpsc::error::TrySendError::Full(_));
                lost.store(is_full, Ordering::Relaxed);
                false
            }
        });
    }

    pub(crate) fn end(&self) {
        self.state().streams = None;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
