//! The errors: the same classes as in every other client.
//!
//! Their texts are the client's own. What `byokey` says about an error is added to them, redacted;
//! text of any other program or of a provider is never part of them, because it may be anything.

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

use crate::launched::{Launched, Log, Shown};
use crate::redact::redact;

/// The error of a call. Decide by the variant or by `kind`, never by the text.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum ByokeyError {
    /// The server answered with an error of another kind than those below, or without one.
    #[error("{0}")]
    Request(Box<RequestError>),
    /// A login is needed.
    #[error("{0}")]
    SignInRequired(Box<RequestError>),
    /// The backend refused the token, and no new one could be obtained from the token provider.
    #[error("{0}")]
    RefreshFailed(Box<RequestError>),
    /// The login or logout was refused.
    #[error("{0}")]
    Login(Box<RequestError>),
    /// The backend failed. [`ByokeyError::is_retryable`] returns whether to retry.
    #[error("{0}")]
    Backend(Box<RequestError>),
    /// The request itself is invalid.
    #[error("{0}")]
    InvalidRequest(Box<RequestError>),
    /// A turn ended without an answer.
    #[error(
        "the turn {}{}{}. {}",
        how(.turn), known(.kind.as_deref()), said(.server_message.as_deref()), advice(.kind.as_deref())
    )]
    TurnFailed {
        /// The conversation.
        thread_id: String,
        /// The turn as it ended.
        turn: Box<Turn>,
        /// The kind of the error, or codex's word for it.
        kind: Option<String>,
        /// What `byokey` said about it, redacted.
        server_message: Option<String>,
    },
    /// The server is gone.
    #[error(
        "the server is gone{}{}: spawn a new client, or have a `Supervisor` do that{}",
        status_text(.status.as_ref()), Shown(.launched.as_deref()), Log(.launched.as_deref())
    )]
    ConnectionClosed {
        /// Its exit status, if known.
        status: Option<ExitStatus>,
        /// What had been started.
        launched: Option<Box<Launched>>,
    },
    /// The program cannot be started, or is another one of the same name.
    #[error(
        "byokey {problem}{}; looked for it in: {}. Install it, or name it with `command` or BYOKEY_BIN{}",
        Shown(.launched.as_deref()), .searched.join(", "), Log(.launched.as_deref())
    )]
    ServerNotFound {
        /// What is wrong with it.
        problem: String,
        /// Where it was searched for, in this order.
        searched: Vec<String>,
        /// What was to be started, if there was something.
        launched: Option<Box<Launched>>,
    },
    /// The program started, but did not answer the handshake in time. It was ended.
    #[error(
        "the program did not answer `initialize` within {after:?} and was ended{}: see that `command` and `args` start `byokey app-server`; `start_timeout` gives it more time{}",
        Shown(.launched.as_deref()), Log(.launched.as_deref())
    )]
    StartTimeout {
        /// The timeout.
        after: Duration,
        /// What had been started.
        launched: Option<Box<Launched>>,
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
#[error(
    "`{method}` failed (code {code}{}){}. {}",
    kind_after_code(.kind.as_deref()), said(.server_message.as_deref()), advice(.kind.as_deref())
)]
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
    /// What `byokey` said about it, redacted, for users; of other servers it is not kept.
    pub server_message: Option<String>,
}

type Class = fn(Box<RequestError>) -> ByokeyError;

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

    /// Returns the kind of the server's error or of the failed turn, if it has one.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        match self {
            Self::TurnFailed { kind, .. } => kind.as_deref(),
            _ => self.request()?.kind.as_deref(),
        }
    }

    /// Returns the program that this error is about, if it is about one.
    #[must_use]
    pub fn launched(&self) -> Option<&Launched> {
        match self {
            Self::ConnectionClosed { launched, .. }
            | Self::ServerNotFound { launched, .. }
            | Self::StartTimeout { launched, .. } => launched.as_deref(),
            _ => None,
        }
    }

    /// Returns whether the same request may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.kind() == Some("retryable")
    }

    /// Returns the error for an error response of any form. Its text is only kept if the server is
    /// trusted to write no secret.
    pub(crate) fn of_answer(method: &str, error: &ErrorObjectOwned, is_trusted: bool) -> Self {
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
            server_message: Some(error.message())
                .filter(|message| is_trusted && !message.is_empty())
                .map(redact),
        };
        class(error.kind.as_deref()).map_or(Self::Request as Class, |class| class)(Box::new(error))
    }

    /// Returns the error for a turn that ended without an answer.
    pub(crate) fn of_turn(thread_id: String, turn: Turn, server_message: Option<String>) -> Self {
        Self::TurnFailed {
            thread_id,
            kind: kind_of(&turn),
            turn: Box::new(turn),
            server_message,
        }
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

/// Returns a kind that is fit to be shown; an unknown one could be any text.
fn shown_kind(kind: Option<&str>) -> Option<&str> {
    kind.filter(|kind| class(Some(kind)).is_some())
}

fn kind_after_code(kind: Option<&str>) -> String {
    shown_kind(kind).map_or_else(String::new, |kind| format!(", {kind}"))
}

fn known(kind: Option<&str>) -> String {
    shown_kind(kind).map_or_else(String::new, |kind| format!(" ({kind})"))
}

/// What the server said, as the rest of a sentence.
fn said(message: Option<&str>) -> String {
    message.map_or_else(String::new, |message| {
        format!(": {}", message.trim_end_matches('.'))
    })
}

/// One sentence for the author of the host: what to do next.
fn advice(kind: Option<&str>) -> &'static str {
    known_kind(kind).map_or(
        "The reference of the protocol lists codes and kinds.",
        ErrorKind::advice,
    )
}

fn how(turn: &Turn) -> &'static str {
    match turn.status.known() {
        Some(TurnStatus::Interrupted) => "was interrupted",
        _ => "failed",
    }
}

/// The kind of a turn's error, or codex's word for it.
fn kind_of(turn: &Turn) -> Option<String> {
    let error = turn.error.as_ref()?;
    let word = match &error.kind {
        Some(kind) => serde_json::to_value(kind),
        None => serde_json::to_value(&error.codex_error_info),
    };
    let word = match word.ok()? {
        Value::String(word) => word,
        Value::Object(members) => members.into_iter().next()?.0,
        _ => return None,
    };
    is_kind(&word).then_some(word)
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
