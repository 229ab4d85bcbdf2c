//! How the issuer refuses.

use hyper::StatusCode;
use serde_json::json;

use crate::answer::whole::Answer;

/// A refusal with this code.
pub(super) fn refused(status: StatusCode, code: &str) -> Answer {
    Answer::json(status, &json!({"error": code}))
}
