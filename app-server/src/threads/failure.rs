//! How a failed answer is told in a turn, in codex's words.

use byokey_http::HttpFailure;
use byokey_protocol::error::ErrorKind;
use byokey_protocol::open::Open;
use byokey_protocol::turn::{CodexErrorInfo, TurnError};

use crate::backend::{BackendError, FailedStatus, Reason, StreamFailure};
use byokey_auth::RecoveryFailure;

/// A failure as the turn tells it, and whether the turn may try again.
pub(super) struct TurnFailure {
    pub(super) error: TurnError,
    pub(super) may_retry: bool,
}

impl From<StreamFailure> for TurnFailure {
    fn from(failure: StreamFailure) -> Self {
        let text = failure.to_string();
        match &failure {
            StreamFailure::Call(BackendError::Status(failed)) => from_status(failed),
            StreamFailure::Call(BackendError::Interrupted) => {
                let text = format!("stream disconnected before completion: {text}");
                Self::new(text, CodexErrorInfo::Other, true)
            }
            StreamFailure::Call(BackendError::AccountChanged) => {
                let mut failure = Self::new(text, CodexErrorInfo::Other, false);
                failure.error.kind = Some(ErrorKind::AccountChanged.into());
                failure
            }
            StreamFailure::Call(error) => Self::new(text, info(error), error.may_pass()),
            StreamFailure::Told(reason) => Self::new(text, told(*reason), false),
            StreamFailure::Disconnected(_)
            | StreamFailure::Incomplete(_)
            | StreamFailure::GaveUp
            | StreamFailure::RateLimited => Self::new(text, CodexErrorInfo::Other, true),
        }
    }
}

impl TurnFailure {
    fn new(message: String, info: CodexErrorInfo, may_retry: bool) -> Self {
        let error = TurnError {
            message,
            codex_error_info: Some(info.into()),
            additional_details: None,
            kind: None,
        };
        Self { error, may_retry }
    }

    /// The notice that the turn tries again, for the `tried`th time out of `retries`.
    pub(super) fn into_retry_notice(self, tried: usize, retries: u32) -> TurnError {
        TurnError {
            message: format!("Reconnecting... {tried}/{retries}"),
            codex_error_info: Some(Open::Known(CodexErrorInfo::ResponseStreamDisconnected {
                http_status_code: self.status(),
            })),
            additional_details: Some(self.error.message),
            kind: None,
        }
    }

    fn status(&self) -> Option<u16> {
        match self.error.codex_error_info.as_ref().and_then(Open::known) {
            Some(CodexErrorInfo::HttpConnectionFailed { http_status_code }) => *http_status_code,
            _ => None,
        }
    }
}

const fn info(error: &BackendError) -> CodexErrorInfo {
    match error {
        BackendError::AuthRequired
        | BackendError::SignedOut
        | BackendError::Recovery(RecoveryFailure::NotRefreshable | RecoveryFailure::Permanent(_)) => {
            CodexErrorInfo::Unauthorized
        }
        BackendError::Http(HttpFailure::Unreachable(_)) | BackendError::Timeout => {
            CodexErrorInfo::HttpConnectionFailed {
                http_status_code: None,
            }
        }
        _ => CodexErrorInfo::Other,
    }
}

const fn told(reason: Reason) -> CodexErrorInfo {
    match reason {
        Reason::UsageLimitReached | Reason::UsageNotIncluded | Reason::QuotaExceeded => {
            CodexErrorInfo::UsageLimitExceeded
        }
        Reason::Overloaded => CodexErrorInfo::ServerOverloaded,
        Reason::ContextLengthExceeded => CodexErrorInfo::ContextWindowExceeded,
    }
}

fn from_status(failed: &FailedStatus) -> TurnFailure {
    let status = failed.status.as_u16();
    let with_id = |text: &str| match &failed.request_id {
        Some(id) => format!("{text}, request id: {id}"),
        None => text.to_owned(),
    };
    if let Some(reason) = failed.reason {
        return TurnFailure::new(reason.text().to_owned(), told(reason), false);
    }
    match status {
        400 => TurnFailure::new(failed.to_string(), CodexErrorInfo::BadRequest, false),
        429 => TurnFailure::new(
            with_id("exceeded retry limit, last status: 429 Too Many Requests"),
            CodexErrorInfo::ResponseTooManyFailedAttempts {
                http_status_code: Some(status),
            },
            false,
        ),
        500 => TurnFailure::new(
            with_id("We’re currently experiencing high demand, which may cause temporary errors."),
            CodexErrorInfo::InternalServerError,
            true,
        ),
        _ => TurnFailure::new(
            failed.to_string(),
            CodexErrorInfo::HttpConnectionFailed {
                http_status_code: Some(status),
            },
            failed.may_pass(),
        ),
    }
}
