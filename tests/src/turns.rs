//! A host of a server with a loopback backend, and its turns.

use byokey_dev_backend::{DevBackend, Options, Script, TestToken};
use serde_json::{Value, json};

use crate::{Host, Refused, Server, Setup};

/// A model of the backend's list that every version may use.
pub const MODEL: &str = "gpt-5.5";

/// Returns a backend with default answers.
#[must_use]
pub fn backend() -> DevBackend {
    DevBackend::start(Options::new()).unwrap()
}

/// Returns a script for one route.
#[must_use]
pub fn script(route: &str, steps: &Value) -> Script {
    Script::from_value(json!({"routes": {route: steps}})).unwrap()
}

/// Starts a server that calls this backend, with these settings on top of the mock's, and a
/// logged-in host.
pub async fn signed_in(backend: &DevBackend, settings: &[&str]) -> (Server, Host) {
    signed_in_with(Setup::default(), backend, settings).await
}

/// The same with a further setup.
pub async fn signed_in_with(
    setup: Setup,
    backend: &DevBackend,
    settings: &[&str],
) -> (Server, Host) {
    let mut setup = setup.backend(backend);
    for setting in settings {
        setup = setup.argument("-c").argument(setting);
    }
    let mut server = setup.start();
    let mut host = Host::initialized(&mut server).await;
    host.login(&TestToken::new("ada").encode(), "ws-1").await;
    (server, host)
}

/// Starts a thread and a turn in it. Returns the ids of both, as `turn/interrupt` takes them.
pub async fn begin_turn(host: &mut Host) -> Value {
    let thread = host.request("thread/start", json!({"model": MODEL})).await;
    let input = json!([{"type": "text", "text": "Hello"}]);
    let thread = thread.unwrap()["thread"]["id"].take();
    let params = json!({"threadId": thread, "input": input});
    let begun = host.request("turn/start", params).await.unwrap();
    json!({"threadId": thread, "turnId": begun["turn"]["id"]})
}

/// Runs a turn and returns its end.
pub async fn turn(host: &mut Host) -> Value {
    begin_turn(host).await;
    host.notification("turn/completed").await["turn"].take()
}

/// Returns the text of a turn's last message.
#[must_use]
pub fn text(turn: &Value) -> &str {
    turn["items"][0]["text"].as_str().unwrap_or_default()
}

/// Reads the rate limits.
///
/// # Errors
///
/// The error response.
pub async fn rate_limits(host: &mut Host) -> Result<Value, Refused> {
    host.request("account/rateLimits/read", json!({})).await
}
