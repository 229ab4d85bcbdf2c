//! The issuer's refusals.

use hyper::StatusCode;
use serde_json::json;

use crate::answer::error::fault;
use crate::answer::whole::Answer;

/// `{"error": "code"}` (RFC 6749 section 5.2).
pub(crate) fn refused(status: StatusCode, code: &str) -> Answer {
    Answer::json(status, &json!({"error": code}))
}

/// `{"error": {message, type, param, code}}`.
pub(crate) fn nested(status: StatusCode, code: &str) -> Answer {
    let message = format!("The issuer refuses this: {code}.");
    let body = fault(&message, "invalid_request_error", None, Some(code));
    Answer::json(status, &body)
}

/// A device code that is expired, spent or unknown: only the message says so.
pub(crate) fn device_expired() -> Answer {
    let message = "Device authorization code has expired. Please request a new code.";
    let code = "deviceauth_authorization_expired";
    let body = fault(message, "invalid_request_error", None, Some(code));
    Answer::json(StatusCode::FORBIDDEN, &body)
}
