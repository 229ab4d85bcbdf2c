//! How a failed answer is told in a turn, in codex's words.

use byokey_protocol::turn::{CodexErrorInfo, TurnError};

use crate::auth::RecoveryFailure;
use crate::backend::{
    BackendError, CONTEXT_TEXT, FailedStatus, OVERLOADED_TEXT, Reason, StreamFailure,
    USAGE_LIMIT_TEXT, USAGE_NOT_INCLUDED_TEXT,
};

/// A failure as the turn tells it, and whether the turn may try again.
pub(super) struct TurnFailure {
    pub(super) error: TurnError,
    pub(super) may_retry: bool,
}

impl From<StreamFailure> for TurnFailure {
    fn from(failure: StreamFailure) -> Self {
        let (info, may_retry) = match &failure {
            StreamFailure::Call(BackendError::Status(failed)) => return from_status(failed),
            StreamFailure::Call(error) => (info(error), error.may_pass()),
            StreamFailure::Disconnected(_) => (
                CodexErrorInfo::ResponseStreamDisconnected {
                    http_status_code: None,
                },
                true,
            ),
            StreamFailure::Told(reason) => {
                (reason.map_or(CodexErrorInfo::Other, told), reason.is_none())
            }
            StreamFailure::RateLimited => (CodexErrorInfo::Other, true),
        };
        Self::new(failure.to_string(), info, may_retry)
    }
}

impl TurnFailure {
    fn new(message: String, info: CodexErrorInfo, may_retry: bool) -> Self {
        let error = TurnError {
            message,
            codex_error_info: Some(info),
            additional_details: None,
        };
        Self { error, may_retry }
    }
}

fn info(error: &BackendError) -> CodexErrorInfo {
    match error {
        BackendError::AuthRequired
        | BackendError::SignedOut
        | BackendError::Recovery(RecoveryFailure::NotRefreshable | RecoveryFailure::Permanent(_)) => {
            CodexErrorInfo::Unauthorized
        }
        BackendError::Connect | BackendError::Timeout | BackendError::Interrupted => {
            CodexErrorInfo::HttpConnectionFailed {
                http_status_code: None,
            }
        }
        _ => CodexErrorInfo::Other,
    }
}

const fn told(reason: Reason) -> CodexErrorInfo {
    match reason {
        Reason::UsageLimitReached | Reason::UsageNotIncluded => CodexErrorInfo::UsageLimitExceeded,
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
        let text = match reason {
            Reason::UsageLimitReached => USAGE_LIMIT_TEXT,
            Reason::UsageNotIncluded => USAGE_NOT_INCLUDED_TEXT,
            Reason::Overloaded => OVERLOADED_TEXT,
            Reason::ContextLengthExceeded => CONTEXT_TEXT,
        };
        return TurnFailure::new(text.to_owned(), told(reason), false);
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
            with_id("We're currently experiencing high demand, which may cause temporary errors."),
            CodexErrorInfo::InternalServerError,
            true,
        ),
        _ => TurnFailure::new(
            failed.to_string(),
            CodexErrorInfo::Other,
            !failed.status.is_redirection(),
        ),
    }
}
