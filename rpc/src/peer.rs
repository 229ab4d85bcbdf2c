//! One peer: what it can do, what waits to be sent to it, and what we asked of it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use byokey_protocol::external_auth::{ExternalTokens, RefreshParams};
use byokey_protocol::methods::{Notification, Refresh, Request};
use byokey_protocol::request_id::RequestId;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::message;
use super::outbox::Outbox;
use crate::auth::{RecoveryFailure, Supplier};
use crate::error::RequestError;
use crate::trace_protocol::PeerTrace;

/// What `initialize` told of a client.
#[derive(Clone, Debug)]
pub struct Client {
    /// Notifications that it does not want.
    pub opted_out: Vec<String>,
    /// How long it may take to answer a refresh request.
    pub refresh_timeout: Duration,
    /// Whether it answers refresh requests before a token expires.
    pub proactive_refresh: bool,
}

type Answer = Result<ExternalTokens, RecoveryFailure>;

/// Our requests to one peer.
#[derive(Debug, Default)]
struct Questions {
    /// Those that it has not answered.
    open: HashMap<i64, oneshot::Sender<Answer>>,
    /// Whether no answer can come any more.
    closed: bool,
}

/// One peer.
#[derive(Debug)]
pub struct Peer {
    /// Its number; also its name as a supplier of tokens.
    pub id: Supplier,
    /// What waits to be sent to it.
    pub outbox: Outbox,
    /// Where its traffic is shown, if it is.
    pub trace: Option<PeerTrace>,
    client: OnceLock<Client>,
    questions: Mutex<Questions>,
    next_request: Arc<AtomicI64>,
}

impl Peer {
    /// A peer that has not introduced itself. Request ids come from one counter for the process,
    /// as in codex.
    pub(super) fn new(
        id: Supplier,
        next_request: Arc<AtomicI64>,
        trace: Option<PeerTrace>,
    ) -> Arc<Self> {
        Arc::new(Self {
            id,
            outbox: Outbox::traced(trace.clone()),
            trace,
            client: OnceLock::new(),
            questions: Mutex::default(),
            next_request,
        })
    }

    /// What `initialize` told, if it came.
    #[must_use]
    pub fn client(&self) -> Option<&Client> {
        self.client.get()
    }

    /// The peer has introduced itself. Notifications go to it from now on.
    pub fn introduce(&self, client: Client) {
        // A second introduction was refused before.
        drop(self.client.set(client));
    }

    /// Answers a request.
    pub fn respond<R: serde::Serialize>(&self, id: &RequestId, result: R) {
        self.outbox.push(&message::Response { id, result });
    }

    /// Answers a request with an error, or tells of a message that could not be read.
    pub fn respond_error(&self, id: Option<&RequestId>, error: RequestError) {
        self.outbox.push(&message::ErrorResponse {
            error: error.into_object(),
            id,
        });
    }

    /// Tells something, if the peer has introduced itself and wants to know.
    pub fn notify<N: Notification>(&self, params: &N::Params)
    where
        N::Params: serde::Serialize,
    {
        let wanted = |client: &Client| !client.opted_out.iter().any(|method| method == N::NAME);
        if self.client().is_some_and(wanted) {
            self.outbox.push(&message::Notification {
                method: N::NAME,
                params,
            });
        }
    }

    /// Asks for new tokens. The answer to come ends with an error when the peer goes.
    pub(super) fn ask_refresh(self: &Arc<Self>, params: &RefreshParams) -> Question {
        let id = self.next_request.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        let mut questions = self.questions();
        // Without its sender, the answer to come is an error at once.
        if !questions.closed {
            questions.open.insert(id, sender);
            self.outbox.push(&message::Request {
                method: Refresh::NAME,
                id,
                params,
            });
        }
        drop(questions);
        Question {
            peer: Arc::clone(self),
            id,
            answer,
        }
    }

    /// Takes the answer to one of our requests. One that nobody waits for is late, doubled or
    /// made up, and ignored.
    pub fn answered(&self, id: &RequestId, outcome: Result<&RawValue, &RawValue>) {
        let asked = match id {
            RequestId::Integer(id) => self.questions().open.remove(id),
            RequestId::String(_) => None,
        };
        let Some(asked) = asked else {
            tracing::debug!("an answer that nobody waits for was ignored");
            return;
        };
        let answer = match outcome {
            Ok(result) => {
                serde_json::from_str(result.get()).map_err(|_| RecoveryFailure::AnswerInvalid)
            }
            Err(error) => Err(RecoveryFailure::HostRefused {
                code: error_code(error),
            }),
        };
        // The refresh may be over already.
        drop(asked.send(answer));
    }

    /// The peer is gone: nothing is sent to it any more, and what it was asked fails.
    pub(super) fn close(&self) {
        self.outbox.close();
        self.ask_no_more();
    }

    /// No answer can come any more: what it was asked fails, and nothing more is asked.
    pub fn ask_no_more(&self) {
        let mut questions = self.questions();
        questions.closed = true;
        questions.open.clear();
    }

    /// Whether it can be asked: it has introduced itself, and its answers can arrive.
    pub(super) fn can_be_asked(&self) -> bool {
        self.client().is_some() && !self.questions().closed
    }

    fn questions(&self) -> MutexGuard<'_, Questions> {
        self.questions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request to a peer, not yet answered. Dropping it gives the question up.
#[derive(Debug)]
pub(super) struct Question {
    peer: Arc<Peer>,
    id: i64,
    answer: oneshot::Receiver<Answer>,
}

impl Question {
    /// The answer, within the peer's time.
    pub(super) async fn answer(mut self) -> Answer {
        let after = self
            .peer
            .client()
            .map_or(DEFAULT_REFRESH_TIMEOUT, |client| client.refresh_timeout);
        match tokio::time::timeout(after, &mut self.answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(RecoveryFailure::HostGone),
            Err(_) => Err(RecoveryFailure::HostTimeout { after }),
        }
    }

    pub(super) fn supplier(&self) -> Supplier {
        self.peer.id
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.peer.questions().open.remove(&self.id);
    }
}

/// How long a host may take unless it says otherwise: what codex allows.
pub const DEFAULT_REFRESH_TIMEOUT: Duration = Duration::from_secs(10);

/// The code of an error object. Its other members are the peer's business.
fn error_code(error: &RawValue) -> i64 {
    #[derive(Deserialize)]
    struct Code {
        #[serde(default)]
        code: Option<serde_json::Number>,
    }
    serde_json::from_str::<Code>(error.get())
        .ok()
        .and_then(|error| error.code?.as_i64())
        .unwrap_or_default()
}
