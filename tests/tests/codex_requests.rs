//! Model requests compared with codex's, member by member and header by header.
//! `tests/conformance/requests/` holds the recording, and the row of `docs/compatibility.md` of
//! each difference.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};

use byokey_dev_backend::{DevBackend, Options, RecordedRequest, Route, Script, TestToken};
use byokey_tests::conformance::compatibility::Compatibility;
use byokey_tests::{Host, Setup};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const RECORDING: &str = include_str!("../conformance/requests/codex-0.171.0.json");
const DIFFERENCES: &str = include_str!("../conformance/requests/differences.json");

/// The model of the comparison: codex writes the plain form for it, as this program does.
const PLAIN: &str = "gpt-5.5";

/// One request: its headers and its body.
struct Sent {
    headers: Map<String, Value>,
    body: Value,
}

fn recording() -> Value {
    serde_json::from_str(RECORDING).unwrap()
}

/// Returns a backend with the recorded responses.
fn backend() -> DevBackend {
    let answers = recording()["answers"].take();
    let steps: Vec<_> = answers.as_array().unwrap().iter().collect();
    let steps: Vec<_> = steps
        .iter()
        .map(|events| json!({"events": events}))
        .collect();
    let script = Script::from_value(json!({"routes": {"responses": steps}})).unwrap();
    DevBackend::start(Options::new().script(script)).unwrap()
}

fn codexs(model: &str) -> Vec<Sent> {
    let conversations = recording()["conversations"].take();
    let conversations = conversations.as_array().unwrap();
    let of_model = conversations.iter().find(|it| it["model"] == model);
    let requests = of_model.unwrap()["requests"].as_array().unwrap();
    let sent = |request: &Value| Sent {
        headers: request["headers"].as_object().unwrap().clone(),
        body: request["body"].clone(),
    };
    requests.iter().map(sent).collect()
}

/// Runs the same three turns with this program.
async fn ours() -> Vec<Sent> {
    let backend = backend();
    let url = format!("chatgpt_base_url = \"{}/backend-api\"", backend.base_url());
    let version = format!("[byokey]\ncodex_version = {}", recording()["codex"]);
    let mut server = Setup::default().config(&url).config(&version).start();
    let mut host = Host::new(&mut server);
    let client = json!({"clientInfo": {"name": "conformance", "version": "1.0.0"}});
    host.request("initialize", client).await.unwrap();
    host.login(&TestToken::new("ada").encode(), "ws-1").await;
    // The call after the login, which returns the edge's cookie.
    let limits = host.request("account/rateLimits/read", json!({})).await;
    limits.unwrap();
    let thread = json!({"model": PLAIN});
    let thread = host.request("thread/start", thread).await.unwrap();
    for text in ["First", "Second", "Third"] {
        let input = json!([{"type": "text", "text": text}]);
        let params = json!({"threadId": thread["thread"]["id"], "input": input});
        host.request("turn/start", params).await.unwrap();
        let ended = host.notification("turn/completed").await;
        assert_eq!(ended["turn"]["status"], "completed", "{ended}");
    }
    let requests = backend.requests_to(Route::Responses);
    assert_eq!(requests.len(), 3, "one request for each turn");
    requests.iter().map(sent).collect()
}

fn sent(request: &RecordedRequest) -> Sent {
    let headers = request.headers.iter();
    let headers = headers.map(|(name, value)| {
        let value = value.to_str().unwrap_or_default();
        (name.to_string(), Value::from(value))
    });
    Sent {
        headers: headers.collect(),
        body: request.json().unwrap(),
    }
}

/// Names of values that change from run to run.
const VARYING: [&str; 9] = [
    "authorization",
    "content-length",
    "cookie",
    "host",
    "prompt_cache_key",
    "session-id",
    "thread-id",
    "user-agent",
    "x-client-request-id",
];

/// Returns the differences of two objects, one line each.
fn compare(place: &str, codexs: &Map<String, Value>, ours: &Map<String, Value>) -> Vec<String> {
    let names: BTreeSet<_> = codexs.keys().chain(ours.keys()).collect();
    let difference = |name: &&String| {
        let what = match (codexs.get(*name), ours.get(*name)) {
            (Some(_), None) => "codex only",
            (None, Some(_)) => "ours only",
            (Some(one), Some(other)) if one != other && !VARYING.contains(&name.as_str()) => {
                "differs"
            }
            _ => return None,
        };
        Some(format!("{place} {name}: {what}"))
    };
    names.iter().filter_map(difference).collect()
}

/// Returns the items of the conversation: from the user's first text on, without settings.
fn conversation(body: &Value) -> Vec<Map<String, Value>> {
    let items = body["input"].as_array().unwrap().iter();
    let first = |item: &&Value| item["content"][0]["text"] != "First";
    items
        .skip_while(first)
        .filter(|item| item["type"] != "configuration_update")
        .map(|item| item.as_object().unwrap().clone())
        .collect()
}

fn differences(codexs: &Sent, ours: &Sent) -> Vec<String> {
    let mut found = compare("header", &codexs.headers, &ours.headers);
    let members = |body: &Value| {
        let mut members = body.as_object().unwrap().clone();
        members.remove("input");
        members
    };
    found.extend(compare(
        "body",
        &members(&codexs.body),
        &members(&ours.body),
    ));
    let (one, other) = (conversation(&codexs.body), conversation(&ours.body));
    assert_eq!(one.len(), other.len(), "{one:#?}\n{other:#?}");
    for (mut one, mut other) in one.into_iter().zip(other) {
        let kind = one.get("role").or(one.get("type")).unwrap().clone();
        let kind = kind.as_str().unwrap();
        assert_eq!(one["type"], other["type"]);
        for (one, other) in parts(&mut one).iter().zip(parts(&mut other)) {
            found.extend(compare(&format!("{kind} part"), one, &other));
        }
        found.extend(compare(kind, &one, &other));
    }
    found
}

/// Removes the parts of an item's content.
fn parts(item: &mut Map<String, Value>) -> Vec<Map<String, Value>> {
    let Some(content) = item.get_mut("content").and_then(Value::as_array_mut) else {
        return Vec::new();
    };
    let parts = std::mem::take(content).into_iter();
    parts
        .map(|part| part.as_object().unwrap().clone())
        .collect()
}

#[tokio::test]
async fn three_turns_send_what_codex_sends_but_for_the_rows() {
    let expected: BTreeMap<String, u32> = serde_json::from_str(DIFFERENCES).unwrap();
    let rows = Compatibility::read().rows;
    for (difference, row) in &expected {
        assert!(rows.contains(row), "no row {row} for: {difference}");
    }
    let (codexs, ours) = (codexs(PLAIN), ours().await);
    let mut found = BTreeSet::new();
    for (codexs, ours) in codexs.iter().zip(&ours) {
        found.extend(differences(codexs, ours));
    }
    let expected: BTreeSet<_> = expected.into_keys().collect();
    let unexplained: Vec<_> = found.difference(&expected).collect();
    let gone: Vec<_> = expected.difference(&found).collect();
    assert!(unexplained.is_empty(), "without a row: {unexplained:#?}");
    assert!(gone.is_empty(), "not there any more: {gone:#?}");
}

/// Returns the status of the response to this request.
async fn status(backend: &DevBackend, request: &Sent) -> u16 {
    let mut connection = TcpStream::connect(backend.addr()).await.unwrap();
    let body = request.body.to_string();
    let mut head = String::from("POST /backend-api/codex/responses HTTP/1.1\r\n");
    let token = TestToken::new("ada").encode();
    for (name, value) in &request.headers {
        let value = match name.as_str() {
            // The recording contains the body itself.
            "content-encoding" => continue,
            "authorization" => format!("Bearer {token}"),
            "content-length" => body.len().to_string(),
            _ => value.as_str().unwrap().to_owned(),
        };
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let request = format!("{head}connection: close\r\n\r\n{body}");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).unwrap_or_default();
    status.parse().unwrap_or_default()
}

#[tokio::test]
async fn the_strict_backend_takes_what_codex_sends() {
    for model in [PLAIN, "gpt-6.2-sol"] {
        let backend = backend();
        let requests = codexs(model);
        assert_eq!(requests.len(), 3, "{model}");
        for request in &requests {
            assert_eq!(status(&backend, request).await, 200, "{model}");
        }
        // It is the strict one: the same request without its version is refused.
        let mut without = codexs(model).remove(0);
        without.headers.remove("version");
        without.headers.remove("user-agent");
        assert_eq!(status(&backend, &without).await, 404, "{model}");
    }
}
