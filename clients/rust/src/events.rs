//! The server's notifications: one stream of events per reader.

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
use byokey_protocol::thread_lifecycle::ThreadGone;
use byokey_protocol::turn::{AuthRecovery, ErrorNotification, TurnNotification};
use byokey_protocol::warning::{ConfigWarning, Warning};
use futures_util::Stream;
use serde_json::Value;
use tokio::sync::{Notify, mpsc};

/// Most unread events of a reader.
const MOST_WAITING: usize = 100_000;

macro_rules! events {
    ($( $(#[$doc:meta])* $name:ident($params:ty) = $method:ident; )*) => {
        /// One notification of the server.
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub enum Event {
            $( $(#[$doc])* $name($params), )*
            /// An unknown notification, or one with invalid parameters.
            Unknown {
                /// The method.
                method: String,
                /// The raw parameters.
                params: Value,
            },
            /// More than 100,000 events were unread, and the stream ends here. Open a new one, and
            /// read it continuously.
            Lost,
        }

        impl Event {
            /// Returns the method; empty for [`Event::Lost`], which is not a notification.
            #[must_use]
            pub fn method(&self) -> &str {
                match self {
                    $( Self::$name(_) => methods::$method::NAME, )*
                    Self::Unknown { method, .. } => method,
                    Self::Lost => "",
                }
            }

            /// Returns its parameters as JSON.
            #[must_use]
            pub fn params(&self) -> Value {
                match self {
                    $( Self::$name(params) => serde_json::to_value(params).unwrap_or_default(), )*
                    Self::Unknown { params, .. } => params.clone(),
                    Self::Lost => Value::Null,
                }
            }

            /// Returns the event for a notification with any content.
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
    /// New rate limits from the backend.
    RateLimitsUpdated(RateLimitsUpdated) = RateLimitsUpdatedNotification;
    /// A thread was created.
    ThreadStarted(ThreadStarted) = ThreadStartedNotification;
    /// A thread became active or idle.
    ThreadStatusChanged(ThreadStatusChanged) = ThreadStatusChangedNotification;
    /// A thread was unloaded, because no connection used it.
    ThreadClosed(ThreadGone) = ThreadClosedNotification;
    /// A thread was deleted.
    ThreadDeleted(ThreadGone) = ThreadDeletedNotification;
    /// A turn waits for new tokens.
    AuthRecoveryStarted(AuthRecovery) = AuthRecoveryStartedNotification;
    /// The wait for new tokens is over, successfully or not.
    AuthRecoveryCompleted(AuthRecovery) = AuthRecoveryCompletedNotification;
    /// A turn started.
    TurnStarted(TurnNotification) = TurnStartedNotification;
    /// An item started.
    ItemStarted(ItemStarted) = ItemStartedNotification;
    /// A delta of the model's message.
    AgentMessageDelta(AgentMessageDelta) = AgentMessageDeltaNotification;
    /// An item is complete.
    ItemCompleted(ItemCompleted) = ItemCompletedNotification;
    /// Token usage from the backend.
    TokenUsageUpdated(TokenUsageUpdated) = TokenUsageUpdatedNotification;
    /// A turn ended, successfully or not.
    TurnCompleted(TurnNotification) = TurnCompletedNotification;
    /// A turn failed, or is retried.
    TurnError(ErrorNotification) = TurnErrorNotification;
    /// A warning for the user.
    Warning(Warning) = WarningNotification;
    /// A problem in the configuration.
    ConfigWarning(ConfigWarning) = ConfigWarningNotification;
}

/// Events in order, until the connection ends.
#[derive(Debug)]
pub struct EventStream {
    missed: VecDeque<Event>,
    waiting: mpsc::Receiver<Event>,
    lost: Arc<AtomicBool>,
}

impl EventStream {
    /// Returns the next event; `None` after the end of the connection.
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

/// Broadcasts events to all streams.
#[derive(Debug)]
pub(crate) struct Events {
    state: Mutex<State>,
    /// Notified of every change of the account.
    pub(crate) account_updated: Notify,
}

#[derive(Debug)]
struct State {
    /// Events before the first stream are kept for it.
    early: Option<VecDeque<Event>>,
    /// `None` after the end of the connection.
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

    pub(crate) fn publish(&self, event: &Event) {
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
