//! Splits a transcript into the streams in which the order is compared.
//!
//! codex works concurrently, so the overall order of its messages is not defined. Defined is the
//! order of
//!
//! - the answers to `initialize` and to all requests that belong nowhere else: `queries`;
//! - everything about the account: the answers to `account/login/…`, `account/logout`,
//!   `account/read` and `getAuthStatus`, `account/login/completed`, `account/updated`, and the
//!   requests for new tokens: `account`;
//! - everything about one thread, the answers to its requests among it: `thread 1`, `thread 2` …,
//!   by first appearance;
//! - the other notifications, each method by itself;
//! - the requests to the backend: `backend`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::recording::{Said, Transcript};

/// One message or backend request, with its name in differences.
#[derive(Clone, Debug)]
pub struct Event {
    /// The name: method and kind.
    pub name: String,
    /// Messages with the same key are compared.
    pub key: String,
    /// The whole message.
    pub body: Value,
}

/// The streams of a transcript by name.
pub type Streams = BTreeMap<String, Vec<Event>>;

/// Splits a transcript into its streams.
#[must_use]
pub fn streams(transcript: &Transcript) -> Streams {
    let mut cutter = Cutter::default();
    for said in transcript.exchange.iter().chain(&transcript.unordered) {
        match said {
            Said::Client(message) => cutter.asked(message),
            Said::Server(message) => cutter.said(message),
        }
    }
    for request in &transcript.backend {
        let route = request["route"].as_str().unwrap_or_default();
        let mut body = request.clone();
        if let Some(members) = body.as_object_mut() {
            members.remove("headerNames");
        }
        if let Some(members) = body["body"].as_object_mut() {
            members.remove("members");
        }
        let name = format!("backend {route}");
        cutter.add("backend", name.clone(), name, body);
    }
    cutter.streams
}

#[derive(Default)]
struct Cutter {
    streams: Streams,
    /// Unanswered requests of the client, by id.
    asked: Vec<Value>,
    /// Ids of threads, in order of appearance.
    threads: Vec<String>,
}

impl Cutter {
    fn asked(&mut self, message: &Value) {
        if message["method"].is_string() && message.get("id").is_some() {
            self.asked.push(message.clone());
        }
    }

    fn said(&mut self, message: &Value) {
        match message["method"].as_str() {
            None => self.answered(message),
            Some(method) if message.get("id").is_some() => {
                let name = format!("{method} request");
                self.add("account", name.clone(), name, message.clone());
            }
            Some(method) => self.notified(method, message),
        }
    }

    fn answered(&mut self, answer: &Value) {
        let id = &answer["id"];
        let place = self.asked.iter().position(|asked| asked["id"] == *id);
        let asked = place.map(|place| self.asked.remove(place));
        let asked = asked.unwrap_or_default();
        let method = asked["method"].as_str().unwrap_or("nothing");
        let thread = [
            &asked["params"]["threadId"],
            &answer["result"]["thread"]["id"],
        ]
        .into_iter()
        .find_map(Value::as_str);
        let stream = match (method, thread) {
            ("account/read" | "account/logout" | "getAuthStatus", _) => "account".to_owned(),
            (method, _) if method.starts_with("account/login/") => "account".to_owned(),
            (_, Some(thread)) => self.thread(thread),
            _ => "queries".to_owned(),
        };
        let name = format!("{method} answer");
        self.add(&stream, name, format!("answer {id}"), answer.clone());
    }

    fn notified(&mut self, method: &str, message: &Value) {
        let params = &message["params"];
        let thread = [&params["threadId"], &params["thread"]["id"]]
            .into_iter()
            .find_map(Value::as_str);
        let stream = match (method, thread) {
            ("account/login/completed" | "account/updated", _) => "account".to_owned(),
            (_, Some(thread)) => self.thread(thread),
            (method, None) => method.to_owned(),
        };
        let kind = [&params["item"]["type"], &params["status"]["type"]]
            .into_iter()
            .find_map(Value::as_str);
        let name = kind.map_or_else(|| method.to_owned(), |kind| format!("{method} {kind}"));
        self.add(&stream, name.clone(), name, message.clone());
    }

    fn thread(&mut self, id: &str) -> String {
        let known = self.threads.iter().position(|thread| thread == id);
        let place = known.unwrap_or_else(|| {
            self.threads.push(id.to_owned());
            self.threads.len() - 1
        });
        format!("thread {}", place + 1)
    }

    fn add(&mut self, stream: &str, name: String, key: String, body: Value) {
        let stream = self.streams.entry(stream.to_owned()).or_default();
        stream.push(Event { name, key, body });
    }
}
