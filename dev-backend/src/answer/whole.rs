//! An answer, before it becomes an HTTP response.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use crate::answer::ending::Ending;
use crate::answer::stream::EventStream;

/// The body of every response: whole, or one event after the other.
pub(crate) type Body = Either<Full<Bytes>, EventStream>;

/// What is answered.
pub(crate) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    payload: Payload,
}

enum Payload {
    Whole(Bytes),
    Events(Vec<Value>),
}

impl Answer {
    /// A JSON document.
    pub(crate) fn json(status: StatusCode, body: &Value) -> Self {
        Self::whole(status, "application/json", body.to_string().into())
    }

    /// A page.
    pub(crate) fn html(status: StatusCode, html: String) -> Self {
        Self::whole(status, "text/html; charset=utf-8", html.into())
    }

    /// An error as the backend words it.
    pub(crate) fn error(status: StatusCode, message: &str) -> Self {
        Self::json(status, &json!({"error": {"message": message}}))
    }

    /// What a script wrote: text as it stands, anything else as JSON, and something fitting for an
    /// error without body.
    pub(crate) fn plain(status: StatusCode, body: Option<Value>) -> Self {
        match body {
            Some(Value::String(text)) => {
                Self::whole(status, "text/plain; charset=utf-8", text.into())
            }
            Some(body) => Self::json(status, &body),
            None if status.is_client_error() || status.is_server_error() => {
                let reason = status.canonical_reason().unwrap_or("error");
                Self::error(status, &reason.to_lowercase())
            }
            None => Self::whole(status, "text/plain; charset=utf-8", Bytes::new()),
        }
    }

    /// A stream of server-sent events.
    pub(crate) fn events(events: Vec<Value>) -> Self {
        let headers = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
            (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        ]);
        Self {
            status: StatusCode::OK,
            headers,
            payload: Payload::Events(events),
        }
    }

    fn whole(status: StatusCode, content_type: &'static str, body: Bytes) -> Self {
        let headers =
            HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        Self {
            status,
            headers,
            payload: Payload::Whole(body),
        }
    }

    /// Adds headers; they replace those of the same name.
    pub(crate) fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.headers.extend(headers);
        self
    }

    /// The response, all at once.
    pub(crate) fn into_response(self) -> Response<Body> {
        self.into_response_with(Duration::ZERO, Ending::Finish)
    }

    /// The response; if it is a stream, with `pause` between its events and `ending` after them.
    pub(crate) fn into_response_with(self, pause: Duration, ending: Ending) -> Response<Body> {
        let body = match self.payload {
            Payload::Whole(bytes) => Either::Left(Full::new(bytes)),
            Payload::Events(events) => Either::Right(EventStream::new(&events, pause, ending)),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}
