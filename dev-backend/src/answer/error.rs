//! Errors in the backend's forms.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::whole::Answer;

/// `{"detail": "text"}`: most refusals.
pub(crate) fn detail(status: StatusCode, text: &str) -> Answer {
    Answer::json(status, &json!({"detail": text}))
}

/// `{"detail": {"code": …}}`: refusals of a workspace and of the sharing routes.
pub(crate) fn detail_code(status: StatusCode, code: &str) -> Answer {
    Answer::json(status, &json!({"detail": {"code": code}}))
}

/// A member or a header that fails validation, in FastAPI's form.
pub(crate) fn validation(status: StatusCode, place: [&str; 2], problem: &str) -> Answer {
    let fault = json!({"type": "missing", "loc": place, "msg": problem, "input": null});
    Answer::json(status, &json!({"detail": [fault]}))
}

/// A violation of the request's schema.
pub(crate) fn schema(param: &str, code: &str, message: &str) -> Answer {
    let error = fault(message, "invalid_request_error", Some(param), Some(code));
    Answer::json(StatusCode::BAD_REQUEST, &error)
}

/// `{"error": {message, type, param, code}}`.
pub(crate) fn fault(message: &str, kind: &str, param: Option<&str>, code: Option<&str>) -> Value {
    json!({"error": {"message": message, "type": kind, "param": param, "code": code}})
}

/// A refused token: JSON with a text content type, and its code in headers.
pub(crate) fn unauthorized(code: &str, message: &str) -> Answer {
    let mut body = fault(message, "invalid_request_error", None, Some(code));
    body["status"] = 401.into();
    let copy = STANDARD.encode(body.to_string());
    let mut headers = super::edge::headers();
    for (name, value) in [
        ("x-error-json", copy.as_str()),
        ("x-openai-authorization-error", "401"),
        ("x-openai-ide-error-code", code),
        ("x-openai-internal-caller", "made-up-caller"),
        ("x-request-id", "req-made-up"),
    ] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    Answer::json(StatusCode::UNAUTHORIZED, &body).with_headers(headers)
}

/// Returns the response with another header.
pub(crate) fn with_header(answer: Answer, name: &'static str, value: &'static str) -> Answer {
    let header = (
        HeaderName::from_static(name),
        HeaderValue::from_static(value),
    );
    answer.with_headers(HeaderMap::from_iter([header]))
}
