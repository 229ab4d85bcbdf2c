//! A small HTTP/1.1 client, one connection per call.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses a part of this"
)]

use std::time::Duration;

use byokey_dev_backend::{DevBackend, Options, Script};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// The longest wait in a test.
pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) const USAGE: &str = "/backend-api/wham/usage";
pub(crate) const MODELS: &str = "/backend-api/codex/models?client_version=1.0.0";
pub(crate) const PROFILE: &str = "/backend-api/wham/profiles/me";
pub(crate) const ACCOUNTS: &str = "/backend-api/wham/accounts/check";
pub(crate) const RESPONSES: &str = "/v1/responses";
/// A route of the ChatGPT backend, which has a gate of models.
pub(crate) const CHATGPT: &str = "/backend-api/codex/responses";

pub(crate) fn start() -> DevBackend {
    DevBackend::start(Options::new()).unwrap()
}

pub(crate) fn start_with(script: Value) -> DevBackend {
    DevBackend::start(Options::new().script(Script::from_value(script).unwrap())).unwrap()
}

/// Runs a future with a timeout.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, future)
        .await
        .expect("should be done by now")
}

/// A response read to its end, or until it broke off.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    /// Whether the body was complete.
    pub(crate) whole: bool,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect(&self.body)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Returns the `data` of the events, after checking that each is named after its type.
    pub(crate) fn events(&self) -> Vec<Value> {
        let event = |text: &str| {
            let (name, data) = text.split_once('\n').unwrap();
            let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(name, format!("event: {}", data["type"].as_str().unwrap()));
            data
        };
        self.body.split_terminator("\n\n").map(event).collect()
    }

    pub(crate) fn event_types(&self) -> Vec<String> {
        self.events()
            .iter()
            .map(|event| event["type"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// Returns a body that the strict backend accepts.
pub(crate) fn turn(text: &str) -> Value {
    json!({
        "model": "gpt-6.2-sol",
        "instructions": "Be brief.",
        "input": [user(text)],
        "stream": true,
        "store": false,
    })
}

/// Returns a message of the user.
pub(crate) fn user(text: &str) -> Value {
    json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]})
}

/// Returns the request with another header.
pub(crate) fn with(
    mut request: Request<Full<Bytes>>,
    name: &'static str,
    value: &str,
) -> Request<Full<Bytes>> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

/// Runs a turn at the ChatGPT backend, by a client that states codex 0.169.
pub(crate) async fn chatgpt(backend: &DevBackend, bearer: &str, body: &Value) -> Answer {
    call(
        backend,
        with(post(CHATGPT, Some(bearer), body), "version", "0.169.0"),
    )
    .await
}

pub(crate) fn get(path: &str, bearer: Option<&str>) -> Request<Full<Bytes>> {
    request("GET", path, bearer, Bytes::new())
}

pub(crate) fn post(path: &str, bearer: Option<&str>, body: &Value) -> Request<Full<Bytes>> {
    request("POST", path, bearer, body.to_string().into())
}

pub(crate) fn request(
    method: &str,
    path: &str,
    bearer: Option<&str>,
    body: Bytes,
) -> Request<Full<Bytes>> {
    let mut builder = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost");
    if let Some(bearer) = bearer {
        builder = builder.header("authorization", format!("Bearer {bearer}"));
    }
    builder.body(Full::new(body)).unwrap()
}

/// Sends a request and returns after the head of the response.
pub(crate) async fn open(
    backend: &DevBackend,
    request: Request<Full<Bytes>>,
) -> hyper::Result<Response<Incoming>> {
    let stream = TcpStream::connect(backend.addr()).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    soon(sender.send_request(request)).await
}

/// Sends a request and reads the whole response.
pub(crate) async fn try_call(
    backend: &DevBackend,
    request: Request<Full<Bytes>>,
) -> hyper::Result<Answer> {
    let (parts, mut body) = open(backend, request).await?.into_parts();
    let mut text = Vec::new();
    let whole = loop {
        match soon(body.frame()).await {
            Some(Ok(frame)) => text.extend_from_slice(frame.data_ref().unwrap()),
            Some(Err(_)) => break false,
            None => break true,
        }
    };
    let body = String::from_utf8(text).unwrap();
    Ok(Answer {
        status: parts.status,
        headers: parts.headers,
        body,
        whole,
    })
}

pub(crate) async fn call(backend: &DevBackend, request: Request<Full<Bytes>>) -> Answer {
    try_call(backend, request).await.unwrap()
}
