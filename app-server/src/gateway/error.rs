//! Errors in OpenAI's shape, with words for the user of the agent. Refusals of the backend pass as
//! they came.

use std::borrow::Cow;

use byokey_auth::RecoveryFailure;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

use super::body::AnswerBody;
use super::forward;
use crate::backend::{BackendError, Limit};

/// A refusal of this gateway.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    /// The code, for programs.
    pub(super) code: &'static str,
    /// What failed and what to do.
    pub(super) message: Cow<'static, str>,
}

#[derive(Serialize)]
struct Document<'a> {
    error: Error<'a>,
}

#[derive(Serialize)]
struct Error<'a> {
    message: String,
    #[serde(rename = "type")]
    kind: &'static str,
    code: &'a str,
    param: Option<()>,
}

/// What is said where no credential is in force.
pub(super) const SIGNED_OUT: &str = "no account is signed in. Run `byokey login`, and start the \
                                     gateway again.";

impl Refusal {
    pub(super) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        let message = message.into();
        Self {
            status,
            code,
            message,
        }
    }

    /// No credential is in force.
    pub(super) fn signed_out() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "signed_out", SIGNED_OUT)
    }

    /// The answer of a route that only a ChatGPT account has.
    pub(super) fn no_chatgpt_account() -> Self {
        let text = "the login in force is not a ChatGPT account. Run `byokey login` for one.";
        Self::new(StatusCode::FORBIDDEN, "no_chatgpt_account", text)
    }

    /// Returns the answer.
    pub(super) fn into_response(self) -> Response<AnswerBody> {
        let error = Error {
            message: format!("byokey: {}", self.message),
            kind: "byokey",
            code: self.code,
            param: None,
        };
        let text = serde_json::to_vec(&Document { error }).unwrap_or_default();
        let mut response = Response::new(AnswerBody::whole(text.into()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Returns the answer to a call that failed.
pub(super) fn answer(error: BackendError) -> Response<AnswerBody> {
    let BackendError::Status(mut failed) = error else {
        return refusal(&error).into_response();
    };
    // A redirect would lead the client, and its bearer, to where the configuration does not.
    if failed.status.is_redirection() {
        let text = "the backend answered with a redirect, which is not followed. Check \
                    `chatgpt_base_url` and `base_url` in config.toml.";
        return Refusal::new(StatusCode::BAD_GATEWAY, "redirected", text).into_response();
    }
    match failed.answer.take() {
        Some(answer) => {
            let mut response = Response::new(AnswerBody::whole(answer.body));
            *response.status_mut() = failed.status;
            *response.headers_mut() = forward::back(&answer.headers);
            response
        }
        None => {
            let text = failed.to_string();
            Refusal::new(failed.status, "backend_refused", text).into_response()
        }
    }
}

fn refusal(error: &BackendError) -> Refusal {
    let (status, code) = match error {
        BackendError::AuthRequired => return Refusal::signed_out(),
        BackendError::SignedOut | BackendError::Recovery(RecoveryFailure::SignedOut) => {
            let text = "signed out while the request was in progress. Run `byokey login`, and start \
                        the gateway again.";
            return Refusal::new(StatusCode::UNAUTHORIZED, "signed_out", text);
        }
        BackendError::AccountChanged => {
            let text = "another account signed in while the request was in progress, or the login \
                        belongs to another connection. Try again.";
            return Refusal::new(StatusCode::FORBIDDEN, "account_changed", text);
        }
        BackendError::Recovery(failure) => {
            let text =
                format!("the login was refused and not renewed: {failure}. Run `byokey login`.");
            return Refusal::new(StatusCode::UNAUTHORIZED, "login_refused", text);
        }
        BackendError::Workspace(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "workspace_routing_unavailable",
        ),
        BackendError::Timeout => (StatusCode::GATEWAY_TIMEOUT, "backend_timeout"),
        BackendError::Http(_) | BackendError::Interrupted => {
            (StatusCode::BAD_GATEWAY, "backend_unreachable")
        }
        BackendError::Limit(Limit::Room) => (StatusCode::SERVICE_UNAVAILABLE, "answers_too_large"),
        BackendError::Status(_)
        | BackendError::UnexpectedBody
        | BackendError::NoModel
        | BackendError::Limit(_) => (StatusCode::BAD_GATEWAY, "backend_answer"),
        BackendError::TokenCommand(_) => (StatusCode::BAD_GATEWAY, "token_command_failed"),
        BackendError::Invalid(_)
        | BackendError::MissingKey(_)
        | BackendError::Recipient(_)
        | BackendError::Configuration { .. } => (StatusCode::BAD_REQUEST, "configuration_invalid"),
    };
    Refusal::new(status, code, error.to_string())
}

/// Returns an answer with this JSON document.
pub(super) fn json(document: &impl Serialize) -> Response<AnswerBody> {
    let text = serde_json::to_vec(document).unwrap_or_default();
    let mut response = Response::new(AnswerBody::whole(Bytes::from(text)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
