//! What handlers are given and what they return.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use byokey_protocol::request_id::RequestId;
use serde::Serialize;

use crate::error::RequestError;
use crate::peers::Peer;
use crate::services::Services;

/// What a handler works with.
#[derive(Clone, Debug)]
pub struct Context {
    /// Shared by all connections.
    pub services: Arc<Services>,
    /// Who asks.
    pub peer: Arc<Peer>,
}

/// What happens right after a result was sent.
type Then = Box<dyn FnOnce(&Context) + Send>;

/// What a handler returns: the result, and what happens right after it was sent.
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
    /// A result, followed by what it causes. Notifications never overtake the result.
    pub fn then(result: R, then: impl FnOnce(&Context) + Send + 'static) -> Self {
        Self {
            result,
            then: Some(Box::new(then)),
        }
    }
}

impl<R: Serialize> Reply<R> {
    /// Sends the result, then does what follows.
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

/// What a handler ends with.
pub type Outcome<R> = Result<Reply<R>, RequestError>;

/// An answer that may or may not take time.
pub enum Answering<R> {
    /// It is there.
    Now(Reply<R>),
    /// It takes time.
    Later(Pin<Box<dyn Future<Output = Outcome<R>> + Send>>),
    /// It takes time, and the account is another one when it is there.
    Change(Pin<Box<dyn Future<Output = Outcome<R>> + Send>>),
}

impl<R> Answering<R> {
    /// An answer that takes time.
    pub fn later(answer: impl Future<Output = Outcome<R>> + Send + 'static) -> Self {
        Self::Later(Box::pin(answer))
    }

    /// An answer that takes time, and tells that the account has changed.
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
