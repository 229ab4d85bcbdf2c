//! The errors: the same classes as in every other client.
//!
//! Their texts are the client's own. Text of the server, the backend or a provider is never part of
//! them, because it may contain a secret.

use std::process::ExitStatus;
use std::time::Duration;

use byokey_protocol::error::ErrorKind;
use byokey_protocol::error_class::ErrorClass;
use byokey_protocol::turn::{Turn, TurnStatus};
use jsonrpsee_types::ErrorObjectOwned;
use serde::Deserialize as _;
use serde::de::value::StrDeserializer;
use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;

/// The error of a call. Decide by the variant or by `kind`, never by the text.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum ByokeyError {
    /// The server answered with an error of another kind than those below, or without one.
    #[error("{0}: look its code up in the reference of the protocol")]
    Request(RequestError),
    /// A login is needed.
    #[error("{0}: sign in with `login` and try again")]
    SignInRequired(RequestError),
    /// The backend refused the token, and no new one could be obtained from the token provider.
    #[error("{0}: look into the token provider, or sign in again with `login`")]
    RefreshFailed(RequestError),
    /// The login or logout was refused.
    #[error("{0}: correct what its kind names, or sign in another way")]
    Login(RequestError),
    /// The backend failed. [`ByokeyError::is_retryable`] returns whether to retry.
    #[error("{0}: try again later if `is_retryable` says so")]
    Backend(RequestError),
    /// The request itself is invalid.
    #[error("{0}: correct the request; `path` says where, if known")]
    InvalidRequest(RequestError),
    /// A turn ended without an answer.
    #[error("the turn ended without an answer: {}", turn_failure(.turn))]
    TurnFailed {
        /// The conversation.
        thread_id: String,
        /// The turn as it ended.
        turn: Box<Turn>,
    },
    /// The server is gone.
    #[error("the server is gone{}: spawn a new client", status_text(.status.as_ref()))]
    ConnectionClosed {
        /// Its exit status, if known.
        status: Option<ExitStatus>,
    },
    /// The program cannot be started.
    #[error(
        "byokey cannot be started; looked for it in: {}. Install it, or name it with `command` or BYOKEY_BIN",
        .searched.join(", ")
    )]
    ServerNotFound {
        /// Where it was searched for, in this order.
        searched: Vec<String>,
    },
    /// The program started, but did not answer the handshake in time. It was ended.
    #[error(
        "the program did not answer `initialize` within {after:?} and was ended: see that `command` and `args` start `byokey app-server`; `on_log` is given what it writes to standard error, and `start_timeout` gives it more time"
    )]
    StartTimeout {
        /// The timeout.
        after: Duration,
    },
    /// A token provider failed, timed out, or returned something other than tokens.
    #[error("the token provider {problem}")]
    TokenProvider {
        /// The failure, without any of its output.
        problem: String,
    },
    /// The server's result does not have the expected type.
    #[error(
        "the answer to `{method}` has another shape: use a client and a server of one version, or `request_value`"
    )]
    UnexpectedAnswer {
        /// The called method.
        method: String,
    },
}

/// The server's error response to a request.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{method}` failed (code {code}{})", known(.kind.as_deref()))]
pub struct RequestError {
    /// The called method.
    pub method: String,
    /// The code of JSON-RPC.
    pub code: i64,
    /// The error kind. The list grows.
    pub kind: Option<String>,
    /// The path of the invalid parameter.
    pub path: Option<String>,
    /// HTTP status of the backend.
    pub status: Option<u16>,
    /// The backend's request id.
    pub request_id: Option<String>,
}

type Class = fn(RequestError) -> ByokeyError;

impl ByokeyError {
    /// Returns the server's error response, if it is one.
    #[must_use]
    pub const fn request(&self) -> Option<&RequestError> {
        match self {
            Self::Request(error)
            | Self::SignInRequired(error)
            | Self::RefreshFailed(error)
            | Self::Login(error)
            | Self::Backend(error)
            | Self::InvalidRequest(error) => Some(error),
            _ => None,
        }
    }

    /// Returns the kind of the server's error, if it has one.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        self.request()?.kind.as_deref()
    }

    /// Returns whether the same request may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.kind() == Some("retryable")
    }

    /// Returns the error for an error response of any form.
    pub(crate) fn of_answer(method: &str, error: &ErrorObjectOwned) -> Self {
        let data = error.data().map(RawValue::get).unwrap_or_default();
        let data: Value = serde_json::from_str(data).unwrap_or_default();
        let member = |name: &str| data.get(name);
        let text = |name: &str, form: fn(&str) -> bool| {
            let text = member(name)?.as_str()?;
            form(text).then(|| text.to_owned())
        };
        let error = RequestError {
            method: method.to_owned(),
            code: error.code().into(),
            kind: text("kind", is_kind),
            path: text("path", is_path),
            status: member("status")
                .and_then(Value::as_u64)
                .and_then(|status| status.try_into().ok()),
            request_id: text("requestId", |it| is_word(it, 64)),
        };
        class(error.kind.as_deref()).map_or(Self::Request as Class, |class| class)(error)
    }
}

/// The variant of a kind. Any other kind is a plain [`ByokeyError::Request`].
fn class(kind: Option<&str>) -> Option<Class> {
    Some(match known_kind(kind)?.class()? {
        ErrorClass::SignInRequired => ByokeyError::SignInRequired,
        ErrorClass::RefreshFailed => ByokeyError::RefreshFailed,
        ErrorClass::Login => ByokeyError::Login,
        ErrorClass::Backend => ByokeyError::Backend,
        ErrorClass::InvalidRequest => ByokeyError::InvalidRequest,
    })
}

fn known_kind(kind: Option<&str>) -> Option<ErrorKind> {
    ErrorKind::deserialize(StrDeserializer::<serde::de::value::Error>::new(kind?)).ok()
}

/// Returns a known kind for a text; an unknown one could be any text.
fn known(kind: Option<&str>) -> String {
    let kind = kind.filter(|kind| class(Some(kind)).is_some());
    kind.map_or_else(String::new, |kind| format!(", {kind}"))
}

/// What is known of a turn's failure, without what the server wrote.
fn turn_failure(turn: &Turn) -> String {
    let kind = turn.error.as_ref().and_then(|error| error.kind.as_ref());
    match (kind.and_then(|kind| kind.known()), turn.status.known()) {
        (Some(kind), _) => kind.advice().to_owned(),
        (None, Some(TurnStatus::Interrupted)) => "it was interrupted".to_owned(),
        (None, _) => "`turn.error` has the reason".to_owned(),
    }
}

fn status_text(status: Option<&ExitStatus>) -> String {
    status.map_or_else(String::new, |status| format!(" ({status})"))
}

// Only values of the expected form are kept: a faulty server could write a secret here.

fn is_kind(text: &str) -> bool {
    let starts = text.starts_with(|it: char| it.is_ascii_alphabetic());
    starts && text.len() <= 40 && text.bytes().all(|it| it.is_ascii_alphanumeric())
}

fn is_path(text: &str) -> bool {
    text.split('.').count() <= 16 && text.split('.').all(|word| is_word(word, 40))
}

fn is_word(text: &str, longest: usize) -> bool {
    let fits = |it: u8| it.is_ascii_alphanumeric() || b"_-$".contains(&it);
    (1..=longest).contains(&text.len()) && text.bytes().all(fits)
}
