//! The input and output of handlers.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use byokey_protocol::request_id::RequestId;
use serde::Serialize;

use crate::peers::Peer;
use crate::server::error::RequestError;
use crate::server::services::Services;

/// The context of a handler.
#[derive(Clone, Debug)]
pub struct Context {
    /// Shared by all connections.
    pub services: Arc<Services>,
    /// The client.
    pub peer: Arc<Peer>,
    /// Whether other connections may share the process.
    pub is_shared: bool,
}

/// An action right after the result was sent.
type Then = Box<dyn FnOnce(&Context) + Send>;

/// The result of a handler, and an action right after it was sent.
pub struct Reply<R> {
    result: R,
    then: Option<Then>,
}

impl<R: fmt::Debug> fmt::Debug for Reply<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("result", &self.result)
            .finish_non_exhaustive()
    }
}

impl<R> Reply<R> {
    /// Returns a result with a subsequent action. Notifications never overtake the result.
    pub fn then(result: R, then: impl FnOnce(&Context) + Send + 'static) -> Self {
        Self {
            result,
            then: Some(Box::new(then)),
        }
    }
}

impl<R: Serialize> Reply<R> {
    /// Sends the result, then runs the action.
    pub(crate) fn send(self, context: &Context, id: &RequestId) {
        context.peer.rpc.respond(id, self.result);
        if let Some(then) = self.then {
            then(context);
        }
    }
}

impl<R> From<R> for Reply<R> {
    fn from(result: R) -> Self {
        Self { result, then: None }
    }
}

/// The outcome of a handler.
pub type Outcome<R> = Result<Reply<R>, RequestError>;

/// A synchronous or asynchronous answer.
pub enum Answering<R> {
    /// Synchronous.
    Now(Reply<R>),
    /// Asynchronous.
    Later(Pin<Box<dyn Future<Output = Outcome<R>> + Send>>),
    /// Asynchronous, and changes the account.
    Change(Pin<Box<dyn Future<Output = Outcome<R>> + Send>>),
}

impl<R> Answering<R> {
    /// Returns an asynchronous answer.
    pub fn later(answer: impl Future<Output = Outcome<R>> + Send + 'static) -> Self {
        Self::Later(Box::pin(answer))
    }

    /// Returns an asynchronous answer that changes the account.
    pub fn change(answer: impl Future<Output = Outcome<R>> + Send + 'static) -> Self {
        Self::Change(Box::pin(answer))
    }
}

impl<R: fmt::Debug> fmt::Debug for Answering<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(reply) => f.debug_tuple("Now").field(reply).finish(),
            Self::Later(_) => f.write_str("Later"),
            Self::Change(_) => f.write_str("Change"),
        }
    }
}
