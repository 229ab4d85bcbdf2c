//! What can go wrong: the same classes as in every other client.
//!
//! A text here is always the client's own. What the server, the backend or a provider wrote is
//! never part of it, because it may be anything.

use std::process::ExitStatus;
use std::time::Duration;

use jsonrpsee_types::ErrorObjectOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;

/// What went wrong. Act on the variant or on `kind`, never on the text.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum ByokeyError {
    /// The server answered with an error of another kind than those below, or of none.
    #[error("{0}: look its code up in the reference of the protocol")]
    Request(RequestError),
    /// Somebody has to sign in.
    #[error("{0}: sign in with `login` and try again")]
    SignInRequired(RequestError),
    /// The backend refused the token, and a new one did not come from the token provider.
    #[error("{0}: look into the token provider, or sign in again with `login`")]
    RefreshFailed(RequestError),
    /// The login or logout was refused.
    #[error("{0}: correct what its kind names, or sign in another way")]
    Login(RequestError),
    /// The backend failed. [`ByokeyError::is_retryable`] says whether to try again.
    #[error("{0}: try again later if `is_retryable` says so")]
    Backend(RequestError),
    /// The request itself is wrong.
    #[error("{0}: correct the request; `path` says where, if the server told")]
    InvalidRequest(RequestError),
    /// The server is gone.
    #[error("the server is gone{}: spawn a new client", status_text(.status.as_ref()))]
    ConnectionClosed {
        /// How it ended, if that is known.
        status: Option<ExitStatus>,
    },
    /// The program cannot be started.
    #[error(
        "byokey cannot be started; looked for it in: {}. Install it, or name it with `command` or BYOKEY_BIN",
        .searched.join(", ")
    )]
    ServerNotFound {
        /// Where it was looked for, in this order.
        searched: Vec<String>,
    },
    /// The program started, and did not answer the handshake in time. It was ended.
    #[error(
        "the program did not answer `initialize` within {after:?} and was ended: see that `command` and `args` start `byokey app-server`; `on_log` is given what it writes to standard error, and `start_timeout` gives it more time"
    )]
    StartTimeout {
        /// The time that it had.
        after: Duration,
    },
    /// A token provider failed, took too long, or gave something else than tokens.
    #[error("the token provider {problem}")]
    TokenProvider {
        /// What it did, without anything that it said.
        problem: String,
    },
    /// The server's answer does not have the shape of the protocol.
    #[error(
        "the answer to `{method}` has another shape: use a client and a server of one version, or `request_value`"
    )]
    UnexpectedAnswer {
        /// The method that was asked.
        method: String,
    },
}

/// What the server told of a request that it refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{method}` failed (code {code}{})", known(.kind.as_deref()))]
pub struct RequestError {
    /// The method that was asked.
    pub method: String,
    /// The code of JSON-RPC.
    pub code: i64,
    /// What happened, in one word to act on. The list grows.
    pub kind: Option<String>,
    /// Where in the parameters the problem is.
    pub path: Option<String>,
    /// HTTP status of the backend.
    pub status: Option<u16>,
    /// The backend's id of the request.
    pub request_id: Option<String>,
}

type Class = fn(RequestError) -> ByokeyError;

/// Which variant a kind has. Any other kind is a plain [`ByokeyError::Request`].
const CLASSES: [(Class, &[&str]); 5] = [
    (
        ByokeyError::SignInRequired,
        &["authRequired", "chatgptAuthRequired", "reauthRequired"],
    ),
    (
        ByokeyError::RefreshFailed,
        &[
            "hostRefused",
            "hostTimeout",
            "hostGone",
            "hostAnswerInvalid",
        ],
    ),
    (
        ByokeyError::Login,
        &[
            "loginDisabled",
            "externalAuthActive",
            "workspaceMismatch",
            "invalidToken",
            "loginFailed",
            "portUnavailable",
            "storeFailed",
        ],
    ),
    (
        ByokeyError::Backend,
        &[
            "retryable",
            "unreachable",
            "backendRefused",
            "plaintextRefused",
            "usageLimitExceeded",
            "contextWindowExceeded",
            "policyRefused",
            "modelUnavailable",
            "workspaceRefused",
            "regionRefused",
            "challenged",
            "answerTooLarge",
        ],
    ),
    (
        ByokeyError::InvalidRequest,
        &[
            "invalidParams",
            "notInitialized",
            "alreadyInitialized",
            "invalidClientName",
            "duplicateId",
            "messageTooLong",
            "badFrame",
            "overloaded",
            "unsupported",
            "notFound",
            "turnInProgress",
            "configurationInvalid",
            "accountChanged",
        ],
    ),
];

impl ByokeyError {
    /// What the server told, if it answered with an error.
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

    /// The kind of the server's error, if it has one.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        self.request()?.kind.as_deref()
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.kind() == Some("retryable")
    }

    /// The error that an answer of the server means, whatever its shape.
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

fn class(kind: Option<&str>) -> Option<Class> {
    let kind = kind?;
    let (class, _) = CLASSES.iter().find(|(_, kinds)| kinds.contains(&kind))?;
    Some(*class)
}

/// A kind is shown if it has a meaning here; another could be anything.
fn known(kind: Option<&str>) -> String {
    let kind = kind.filter(|kind| class(Some(kind)).is_some());
    kind.map_or_else(String::new, |kind| format!(", {kind}"))
}

fn status_text(status: Option<&ExitStatus>) -> String {
    status.map_or_else(String::new, |status| format!(" ({status})"))
}

// Only what has the form of these members is kept: a server that errs could write anything there.

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
