//! A response before it is converted to HTTP.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use crate::answer::endless::{Endless, EndlessPieces};
use crate::answer::stream::{EventStream, Pacing, Pieces};

/// The body of a response: whole, or one event after another.
pub(crate) type Body = Either<Full<Bytes>, Box<EventStream>>;

/// The content of a response.
pub(crate) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    payload: Payload,
    /// The delay before it is sent.
    delay: Duration,
}

enum Payload {
    Whole(Bytes),
    Events(Vec<Value>),
    /// Bytes from a script, or endless ones.
    Pieces(Pieces),
}

impl Answer {
    /// Returns a JSON document.
    pub(crate) fn json(status: StatusCode, body: &Value) -> Self {
        Self::whole(status, "application/json", body.to_string().into())
    }

    /// Returns a page.
    pub(crate) fn html(status: StatusCode, html: String) -> Self {
        Self::whole(status, "text/html; charset=utf-8", html.into())
    }

    /// Returns an error in the backend's form.
    pub(crate) fn error(status: StatusCode, message: &str) -> Self {
        Self::json(status, &json!({"error": {"message": message}}))
    }

    /// Returns a scripted body: text verbatim, anything else as JSON, and a suitable error without
    /// a body.
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

    /// Returns an event stream.
    pub(crate) fn events(events: Vec<Value>) -> Self {
        Self::stream("text/event-stream", Payload::Events(events))
    }

    /// Returns these bytes verbatim, with the content type of a stream.
    pub(crate) fn raw(pieces: Vec<String>) -> Self {
        let pieces = pieces.into_iter().map(Bytes::from).collect();
        Self::stream("text/event-stream", Payload::Pieces(Pieces::Listed(pieces)))
    }

    /// Returns an endless response with this status. Where there is a number of bytes, no more are
    /// sent.
    pub(crate) fn endless(status: StatusCode, what: Endless, most: Option<usize>) -> Self {
        let content_type = if what.is_document() {
            "application/json"
        } else {
            "text/event-stream"
        };
        let is_error = status.is_client_error() || status.is_server_error();
        let pieces = Pieces::Endless(EndlessPieces::new(what, is_error, most));
        Self {
            status,
            ..Self::stream(content_type, Payload::Pieces(pieces))
        }
    }

    fn stream(content_type: &'static str, payload: Payload) -> Self {
        let headers = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static(content_type)),
            (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        ]);
        Self {
            status: StatusCode::OK,
            headers,
            payload,
            delay: Duration::ZERO,
        }
    }

    fn whole(status: StatusCode, content_type: &'static str, body: Bytes) -> Self {
        let headers =
            HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        Self {
            status,
            headers,
            payload: Payload::Whole(body),
            delay: Duration::ZERO,
        }
    }

    /// Returns a response without a body and without a content type.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            payload: Payload::Whole(Bytes::new()),
            delay: Duration::ZERO,
        }
    }

    /// Delays it.
    pub(crate) const fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Returns the delay before it is sent.
    pub(crate) const fn delay(&self) -> Duration {
        self.delay
    }

    /// Omits the content type.
    pub(crate) fn without_content_type(mut self) -> Self {
        self.headers.remove(CONTENT_TYPE);
        self
    }

    /// Returns whether it is an event stream.
    pub(crate) const fn is_stream(&self) -> bool {
        matches!(self.payload, Payload::Events(_))
    }

    /// Returns the events, if it is an event stream.
    pub(crate) fn sent_events(&self) -> &[Value] {
        match &self.payload {
            Payload::Events(events) => events,
            Payload::Whole(_) | Payload::Pieces(_) => &[],
        }
    }

    /// Adds headers; they replace those of the same name.
    pub(crate) fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.headers.extend(headers);
        self
    }

    /// Converts it to a response that is sent at once.
    pub(crate) fn into_response(self) -> Response<Body> {
        self.into_response_with(Pacing::default())
    }

    /// Converts it to a response. One in pieces, or byte by byte, is sent with this timing.
    pub(crate) fn into_response_with(self, pacing: Pacing) -> Response<Body> {
        let pieces = match self.payload {
            Payload::Whole(bytes) if pacing.drip.is_zero() => Err(bytes),
            Payload::Whole(bytes) => Ok(Pieces::Listed([bytes].into())),
            Payload::Events(events) => Ok(Pieces::events(&events)),
            Payload::Pieces(pieces) => Ok(pieces),
        };
        let body = match pieces {
            Err(bytes) => Either::Left(Full::new(bytes)),
            Ok(pieces) => Either::Right(Box::new(EventStream::new(pieces, pacing))),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}
