//! One turn: sends a model request, and notifies the clients of its response.

use std::sync::Arc;
use std::time::Duration;

use byokey_protocol::item::{AgentMessageDelta, ItemCompleted, ItemStarted, ThreadItem};
use byokey_protocol::limits::{RateLimitSnapshot, RateLimitsUpdated};
use byokey_protocol::methods::{
    AgentMessageDeltaNotification, AuthRecoveryCompletedNotification,
    AuthRecoveryStartedNotification, ItemCompletedNotification, ItemStartedNotification,
    Notification, RateLimitsUpdatedNotification, ThreadStatusChangedNotification,
    TokenUsageUpdatedNotification, TurnCompletedNotification, TurnErrorNotification,
    TurnStartedNotification, WarningNotification,
};
use byokey_protocol::thread::{ThreadStatusChanged, TokenUsage, TokenUsageUpdated};
use byokey_protocol::turn::{
    AuthRecovery, ErrorNotification, Turn, TurnError, TurnNotification, TurnStatus,
};
use byokey_protocol::warning::Warning;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

use super::failure::TurnFailure;
use super::thread::Thread;
use crate::backend::{
    Backend, BackendError, LatestLimits, MAX_TURN_WAIT, Next, OwnedReasoning, Part, Renewal,
    StreamFailure, TurnEvent, Unrouted, delays,
};
use crate::peers::Peers;
use byokey_auth::{AuthManager, Lease};
use byokey_base::clock::Clock;

/// What the rate limits of one id take in memory, at most.
const LIMITS_SIZE: usize = 1536;

/// The inputs of a turn.
pub struct TurnRunner {
    /// Its thread.
    pub thread: Arc<Thread>,
    /// The turn, just begun.
    pub turn: Turn,
    /// The user's message.
    pub message: ThreadItem,
    /// Signals an interrupt.
    pub stopped: watch::Receiver<bool>,
    /// The clients to notify.
    pub peers: Arc<Peers>,
    /// The backend.
    pub backend: Arc<Backend>,
    /// The credential in force.
    pub auth: Arc<AuthManager>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for TurnRunner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TurnRunner")
            .field("turn", &self.turn.id)
            .finish_non_exhaustive()
    }
}

/// The model's message while it is streamed.
struct Growing {
    id: String,
    text: String,
}

impl TurnRunner {
    /// Runs the turn to its end.
    pub async fn run(self) {
        let begun = Instant::now();
        self.tell_beginning();
        let mut stopped = self.stopped.clone();
        // Until the end is reported, and the thread counts with the other conversations.
        let mut room = self.backend.room_of_turn();
        let (status, error) = tokio::select! {
            outcome = self.answer(&mut room) => match outcome {
                Ok(()) => (TurnStatus::Completed, None),
                Err(error) => (TurnStatus::Failed, Some(error)),
            },
            _ = stopped.wait_for(|stopped| *stopped) => (TurnStatus::Interrupted, None),
        };
        let (now, took) = (self.clock.unix_seconds(), milliseconds(begun.elapsed()));
        // Dropped at the end of this function.
        let (ended, _reported) = self.thread.end_turn(status, error.clone(), now, took);
        self.tell_status();
        if let Some(error) = error {
            self.tell_error(error, false);
        }
        if let Some(turn) = ended {
            let ended = TurnNotification {
                thread_id: self.thread.id.clone(),
                turn,
            };
            self.tell::<TurnCompletedNotification>(&ended);
        }
    }

    /// Requests a response, with retries after transient failures.
    async fn answer(&self, room: &mut Part) -> Result<(), TurnError> {
        let retries = self.backend.config().provider.stream_max_retries;
        let mut delays = delays(retries);
        let mut tried = 0;
        let mut has_dropped_reasoning = false;
        loop {
            let Err(failure) = self.attempt(room).await else {
                return Ok(());
            };
            // The same conversation without it may be accepted. Once: the next attempt may bring
            // reasoning of its own, and fail the same way.
            if !has_dropped_reasoning
                && failure.is_about_reasoning()
                && self.thread.drop_reasoning()
            {
                has_dropped_reasoning = true;
                continue;
            }
            self.report_limits(&failure);
            let failure = TurnFailure::from(&failure);
            let wait = match (failure.next, delays.next()) {
                (Next::Again { at_most, wait }, Some(delay))
                    if at_most.is_none_or(|most| tried < most) =>
                {
                    wait.unwrap_or(delay)
                }
                _ => return Err(failure.error),
            };
            if wait > MAX_TURN_WAIT {
                return Err(failure.into_long_wait(wait));
            }
            tried += 1;
            self.tell_error(failure.into_retry_notice(tried, retries), true);
            tokio::time::sleep(wait).await;
        }
    }

    /// Reports the rate limits in the headers of an error response.
    fn report_limits(&self, failure: &StreamFailure) {
        if let StreamFailure::Call(BackendError::Status(failed)) = failure {
            for limits in &failed.limits {
                self.tell_limits(limits.clone());
            }
        }
    }

    fn tell_limits(&self, rate_limits: RateLimitSnapshot) {
        self.peers
            .notify::<RateLimitsUpdatedNotification>(&RateLimitsUpdated { rate_limits });
    }

    async fn attempt(&self, room: &mut Part) -> Result<(), StreamFailure> {
        let lease = self.auth.lease();
        if !self.thread.settings().model.is_final() {
            let model = self.backend.default_model(self.auth.lease()).await?;
            self.thread
                .change_settings(|settings| settings.model = model);
        }
        let request = self.thread.request();
        let account = &self.thread.account;
        let admits = |lease: Option<&Lease>| account.admits(lease);
        let model = request.model.clone();
        let on_renewal = |renewal| self.tell_renewal(renewal);
        let on_unrouted = |unrouted: &Unrouted| self.tell_unrouted(unrouted);
        let answer = self
            .backend
            .respond(lease, request, &admits, &on_renewal, &on_unrouted);
        let mut answer = answer.await?;
        let account = answer.account().cloned();
        self.thread.keep_reasoning_of(account.as_ref(), &model);
        let mut reasoning = Vec::new();
        let mut growing: Option<Growing> = None;
        let mut limits = LatestLimits::default();
        let usage = loop {
            self.peers.wait_for_capacity().await;
            match answer.next(room).await? {
                TurnEvent::RateLimits(snapshot) => {
                    if limits.add(*snapshot) {
                        room.take(LIMITS_SIZE)?;
                    }
                }
                TurnEvent::MessageStarted { id } => {
                    growing = Some(self.start_message(id, ""));
                }
                TurnEvent::TextDelta(delta) => {
                    let message = growing.get_or_insert_with(|| self.start_message(None, ""));
                    self.tell_delta(message, delta);
                }
                TurnEvent::MessageDone { id, text, phase } => {
                    let started = growing.take();
                    let message = started.unwrap_or_else(|| self.start_message(id, &text));
                    self.finish_message(message, text, phase, std::mem::take(&mut reasoning));
                }
                TurnEvent::Reasoning(item) => reasoning.push(OwnedReasoning {
                    item,
                    account: account.clone(),
                    model: model.clone(),
                }),
                TurnEvent::Completed(usage) => break usage,
            }
        };
        if let Some(message) = growing {
            self.finish_message(message, String::new(), None, reasoning);
        }
        if let Some(usage) = usage {
            self.tell_usage(usage);
        }
        for rate_limits in limits {
            self.tell_limits(rate_limits);
        }
        Ok(())
    }

    /// A message without deltas starts with its whole text.
    fn start_message(&self, id: Option<String>, text: &str) -> Growing {
        let id = id.unwrap_or_else(|| Uuid::now_v7().to_string());
        self.tell_item_started(agent_message(id.clone(), text.to_owned(), None));
        Growing {
            id,
            text: String::new(),
        }
    }

    fn tell_delta(&self, message: &mut Growing, delta: String) {
        message.text.push_str(&delta);
        self.tell::<AgentMessageDeltaNotification>(&AgentMessageDelta {
            thread_id: self.thread.id.clone(),
            turn_id: self.turn.id.clone(),
            item_id: message.id.clone(),
            delta,
        });
    }

    /// The backend's final text takes precedence; without one the streamed text is used.
    fn finish_message(
        &self,
        message: Growing,
        text: String,
        phase: Option<String>,
        reasoning: Vec<OwnedReasoning>,
    ) {
        let text = if text.is_empty() { message.text } else { text };
        let item = agent_message(message.id, text, phase);
        self.thread.add_message(item.clone(), reasoning);
        self.tell_item_completed(item);
    }

    /// Warns once for each lookup that failed, however many calls go without it.
    fn tell_unrouted(&self, unrouted: &Unrouted) {
        if self.thread.is_first_without(unrouted.lookup) {
            let why = &unrouted.why;
            self.tell::<WarningNotification>(&Warning {
                thread_id: Some(self.thread.id.clone()),
                message: format!(
                    "the routing of the workspace is not known ({why}), so its model calls go to \
                     the default backend"
                ),
            });
        }
    }

    fn tell_renewal(&self, renewal: Renewal) {
        let recovery = |message: &str| AuthRecovery {
            thread_id: self.thread.id.clone(),
            turn_id: self.turn.id.clone(),
            provider: self.backend.config().provider.id.clone(),
            message: message.to_owned(),
        };
        match renewal {
            Renewal::Started => {
                let started = recovery("The sign-in was refused and is being renewed.");
                self.peers
                    .notify::<AuthRecoveryStartedNotification>(&started);
            }
            Renewal::Completed => {
                let completed = recovery("The sign-in is renewed.");
                self.peers
                    .notify::<AuthRecoveryCompletedNotification>(&completed);
            }
        }
    }

    /// Sends a notification to the subscribers of the thread.
    fn tell<N: Notification>(&self, params: &N::Params)
    where
        N::Params: Serialize,
    {
        let subscribers = &self.thread.subscribers;
        self.peers
            .notify_those::<N>(params, |peer| subscribers.is_subscribed(peer));
    }

    fn tell_beginning(&self) {
        self.tell_status();
        self.tell::<TurnStartedNotification>(&TurnNotification {
            thread_id: self.thread.id.clone(),
            turn: self.turn.clone(),
        });
        self.tell_item_started(self.message.clone());
        self.tell_item_completed(self.message.clone());
    }

    fn tell_status(&self) {
        let changed = ThreadStatusChanged {
            thread_id: self.thread.id.clone(),
            status: self.thread.status().into(),
        };
        self.peers
            .notify::<ThreadStatusChangedNotification>(&changed);
    }

    fn tell_item_started(&self, item: ThreadItem) {
        self.tell::<ItemStartedNotification>(&ItemStarted {
            item: item.into(),
            thread_id: self.thread.id.clone(),
            turn_id: self.turn.id.clone(),
            started_at_ms: self.clock.unix_millis(),
        });
    }

    fn tell_item_completed(&self, item: ThreadItem) {
        self.tell::<ItemCompletedNotification>(&ItemCompleted {
            item: item.into(),
            thread_id: self.thread.id.clone(),
            turn_id: self.turn.id.clone(),
            completed_at_ms: self.clock.unix_millis(),
        });
    }

    fn tell_usage(&self, last: TokenUsage) {
        self.tell::<TokenUsageUpdatedNotification>(&TokenUsageUpdated {
            thread_id: self.thread.id.clone(),
            turn_id: self.turn.id.clone(),
            token_usage: self.thread.add_usage(last),
        });
    }

    fn tell_error(&self, error: TurnError, will_retry: bool) {
        self.tell::<TurnErrorNotification>(&ErrorNotification {
            error,
            will_retry,
            thread_id: self.thread.id.clone(),
            turn_id: self.turn.id.clone(),
        });
    }
}

const fn agent_message(id: String, text: String, phase: Option<String>) -> ThreadItem {
    ThreadItem::AgentMessage {
        id,
        text,
        phase,
        memory_citation: None,
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
