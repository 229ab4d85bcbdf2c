//! How a turn reports a failed response, in codex's words.

use std::time::Duration;

use byokey_http::HttpFailure;
use byokey_protocol::error::ErrorKind;
use byokey_protocol::open::Open;
use byokey_protocol::turn::{CodexErrorInfo, TurnError};

use crate::backend::{
    BackendError, Cause, FailedStatus, Next, Reason, StreamFailure, after_stream, wait_text,
};
use byokey_auth::RecoveryFailure;

/// A failure as the turn reports it, and the retry decision.
pub(super) struct TurnFailure {
    pub(super) error: TurnError,
    pub(super) next: Next,
}

impl From<&StreamFailure> for TurnFailure {
    fn from(failure: &StreamFailure) -> Self {
        let text = failure.to_string();
        let (text, info) = match failure {
            StreamFailure::Call(BackendError::Status(failed)) => from_status(failed),
            StreamFailure::Call(BackendError::Interrupted) => {
                let text = format!("stream disconnected before completion: {text}");
                (text, CodexErrorInfo::Other)
            }
            StreamFailure::Call(error) => (text, info(error)),
            StreamFailure::Reported(cause) => (text, reported(cause)),
            _ => (text, CodexErrorInfo::Other),
        };
        let error = TurnError {
            message: text,
            codex_error_info: Some(info.into()),
            additional_details: None,
            kind: kind(failure).map(Into::into),
        };
        let next = after_stream(failure);
        Self { error, next }
    }
}

impl TurnFailure {
    /// Returns the notice of the `tried`th retry out of `retries`.
    pub(super) fn into_retry_notice(self, tried: u32, retries: u32) -> TurnError {
        TurnError {
            message: format!("Reconnecting... {tried}/{retries}"),
            codex_error_info: Some(Open::Known(CodexErrorInfo::ResponseStreamDisconnected {
                http_status_code: self.status(),
            })),
            additional_details: Some(self.error.message),
            kind: None,
        }
    }

    /// Returns the end of a turn whose backend requests a longer wait than the limit.
    pub(super) fn into_long_wait(self, wait: Duration) -> TurnError {
        let message = self.error.message;
        TurnError {
            message: format!("{message}; the backend asks to wait {}", wait_text(wait)),
            ..self.error
        }
    }

    fn status(&self) -> Option<u16> {
        match self.error.codex_error_info.as_ref().and_then(Open::known) {
            Some(CodexErrorInfo::HttpConnectionFailed { http_status_code }) => *http_status_code,
            _ => None,
        }
    }
}

/// Returns the kind of a failure for which codex has no word.
fn kind(failure: &StreamFailure) -> Option<ErrorKind> {
    let kind = match failure {
        StreamFailure::Call(error) => error.data().kind,
        StreamFailure::Reported(cause) => cause.reason?.kind(),
        StreamFailure::Limit(limit) => limit.kind(),
        _ => return None,
    };
    let is_ours = matches!(
        kind,
        ErrorKind::AccountChanged
            | ErrorKind::AnswerTooLarge
            | ErrorKind::Challenged
            | ErrorKind::ConfigurationInvalid
            | ErrorKind::ModelUnavailable
            | ErrorKind::Overloaded
            | ErrorKind::PolicyRefused
            | ErrorKind::RegionRefused
            | ErrorKind::TokenCommandFailed
            | ErrorKind::WorkspaceRefused
            | ErrorKind::WorkspaceRoutingUnavailable
    );
    is_ours.then_some(kind)
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

fn reported(cause: &Cause) -> CodexErrorInfo {
    let info = cause.reason.and_then(Reason::info);
    info.unwrap_or(CodexErrorInfo::Other)
}

fn from_status(failed: &FailedStatus) -> (String, CodexErrorInfo) {
    let status = failed.status.as_u16();
    let http_status_code = Some(status);
    let with_id = |text: &str| match &failed.request_id {
        Some(id) => format!("{text}, request id: {id}"),
        None => text.to_owned(),
    };
    if let Some(info) = failed.cause.reason.and_then(Reason::info)
        && !matches!(info, CodexErrorInfo::Other)
    {
        let text = match (info, failed.cause.text()) {
            (CodexErrorInfo::BadRequest, _) | (_, None) => failed.to_string(),
            (_, Some(text)) => text,
        };
        return (text, info);
    }
    match status {
        400 => (failed.to_string(), CodexErrorInfo::BadRequest),
        429 => (
            with_id("exceeded retry limit, last status: 429 Too Many Requests"),
            CodexErrorInfo::ResponseTooManyFailedAttempts { http_status_code },
        ),
        500 => (
            with_id("We’re currently experiencing high demand, which may cause temporary errors."),
            CodexErrorInfo::InternalServerError,
        ),
        _ => (
            failed.to_string(),
            CodexErrorInfo::HttpConnectionFailed { http_status_code },
        ),
    }
}
