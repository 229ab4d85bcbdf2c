//! A bearer token for the configured provider, owned by the host: one thread over many expiries, one
//! request for each, and what an approaching expiry and another connection cause.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use byokey_dev_backend::{DevBackend, Options, Route, Script};
use byokey_tests::{Host, Listening, Server, Setup};
use serde_json::{Value, json};

const REFRESH: &str = "account/bearerToken/refresh";

/// Returns an opaque token, the same in every run.
fn token(number: usize) -> String {
    format!("made-up-opaque-bearer-of-an-hour-{number:04}")
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs()
}

/// Returns settings under which the provider needs no OpenAI login, as that of a shared token.
fn setup(backend: &DevBackend) -> Setup {
    let setting = "model_providers.mock.requires_openai_auth=false";
    Setup::default()
        .backend(backend)
        .argument("-c")
        .argument(setting)
}

async fn login(host: &mut Host, backend: &DevBackend, token: &str, expires_at: Option<u64>) {
    let mut params = json!({"type": "bearerToken", "token": token, "origin": backend.base_url()});
    if let Some(expires_at) = expires_at {
        params["expiresAt"] = expires_at.into();
    }
    let result = host.request("account/login/start", params).await.unwrap();
    assert_eq!(result, json!({"type": "bearerToken"}));
}

async fn thread(host: &mut Host) -> Value {
    let started = host.request("thread/start", json!({})).await;
    started.unwrap()["thread"]["id"].take()
}

fn turn(thread: &Value) -> Value {
    json!({"threadId": thread, "input": [{"type": "text", "text": "Hello"}]})
}

/// Returns how often each bearer was sent to the model.
fn uses(backend: &DevBackend) -> BTreeMap<String, usize> {
    let mut uses = BTreeMap::new();
    for request in backend.requests_to(Route::Responses) {
        assert_eq!(request.header("chatgpt-account-id"), None);
        *uses
            .entry(request.bearer().unwrap().to_owned())
            .or_default() += 1;
    }
    uses
}

async fn initialized(backend: &DevBackend, capabilities: Value) -> (Server, Host) {
    let mut server = setup(backend).start();
    let host = Host::with_capabilities(&mut server, capabilities).await;
    (server, host)
}

#[tokio::test]
async fn one_thread_lasts_over_three_expiries_without_a_restart() {
    const TURNS_PER_TOKEN: usize = 2;
    // The backend accepts each token this often, then answers 401.
    let script = Script::from_value(json!({"expireAfter": TURNS_PER_TOKEN})).unwrap();
    let backend = DevBackend::start(Options::new().script(script)).unwrap();
    let (_server, mut host) = initialized(&backend, json!({})).await;
    login(&mut host, &backend, &token(0), Some(now() + 3_600)).await;
    let thread = thread(&mut host).await;
    let mut tokens = 0;
    for number in 0..4 * TURNS_PER_TOKEN {
        host.request("turn/start", turn(&thread)).await.unwrap();
        if number > 0 && number % TURNS_PER_TOKEN == 0 {
            let (refresh, params) = host.asked(REFRESH).await;
            let expected = json!({"reason": "unauthorized", "origin": backend.base_url()});
            assert_eq!(params, expected);
            tokens += 1;
            let answer = json!({"token": token(tokens), "expiresAt": now() + 3_600});
            host.respond(&refresh, answer).await;
        }
        let completed = host.notification("turn/completed").await;
        assert_eq!(completed["turn"]["status"], "completed", "{completed}");
    }
    assert_eq!(tokens, 3);
    // The whole conversation was sent with the last turn.
    let last = backend.requests_to(Route::Responses).pop().unwrap();
    let body: Value = serde_json::from_slice(&last.body).unwrap();
    let messages = body["input"].as_array().unwrap().len();
    assert_eq!(messages, 2 * 4 * TURNS_PER_TOKEN - 1);
    let expected = (0..4).map(|number| {
        // A refused call, and its repetition with the next token.
        let refused = usize::from(number < 3);
        (token(number), TURNS_PER_TOKEN + refused)
    });
    assert_eq!(uses(&backend), expected.collect());
}

// Row: one refresh for all
#[tokio::test]
async fn fifty_turns_that_get_401_cause_one_request() {
    const THREADS: usize = 50;
    let backend = DevBackend::start(Options::new()).unwrap();
    // The deadline runs while the other turns begin.
    let patient = json!({"authRefreshTimeoutMs": 60_000});
    let (_server, mut host) = initialized(&backend, patient).await;
    login(&mut host, &backend, &token(0), None).await;
    backend.reject_bearer(token(0));
    for _ in 0..THREADS {
        let thread = thread(&mut host).await;
        host.request("turn/start", turn(&thread)).await.unwrap();
    }
    let (refresh, _) = host.asked(REFRESH).await;
    backend.wait_for(Route::Responses, THREADS).await;
    host.respond(&refresh, json!({"token": token(1)})).await;
    for _ in 0..THREADS {
        let completed = host.notification("turn/completed").await;
        assert_eq!(completed["turn"]["status"], "completed", "{completed}");
    }
    let rest = host.quiet_for(Duration::from_millis(200)).await;
    assert!(rest.iter().all(|message| message["method"] != REFRESH));
    let expected = BTreeMap::from([(token(0), THREADS), (token(1), THREADS)]);
    assert_eq!(uses(&backend), expected);
}

#[tokio::test]
async fn a_host_that_wants_it_is_asked_early_and_no_other() {
    for (capabilities, asked) in [
        (json!({"proactiveRefresh": true}), true),
        (json!({}), false),
    ] {
        let backend = DevBackend::start(Options::new()).unwrap();
        let (_server, mut host) = initialized(&backend, capabilities).await;
        // Less than five minutes are left, so the time has come.
        login(&mut host, &backend, &token(0), Some(now() + 290)).await;
        if asked {
            let (refresh, params) = host.asked(REFRESH).await;
            assert_eq!(params["reason"], "expiring");
            let answer = json!({"token": token(1), "expiresAt": now() + 3_600});
            host.respond(&refresh, answer).await;
        }
        let rest = host.quiet_for(Duration::from_millis(500)).await;
        assert!(rest.iter().all(|message| message["method"] != REFRESH));
        let thread = thread(&mut host).await;
        host.request("turn/start", turn(&thread)).await.unwrap();
        host.notification("turn/completed").await;
        let expected = BTreeMap::from([(token(usize::from(asked)), 1)]);
        assert_eq!(uses(&backend), expected);
        // More than five minutes are left, in the answer or in a login.
        login(&mut host, &backend, &token(2), Some(now() + 400)).await;
        let rest = host.quiet_for(Duration::from_millis(500)).await;
        assert!(rest.iter().all(|message| message["method"] != REFRESH));
    }
}

// Row: tokens stay with their account
#[tokio::test]
async fn a_conversation_does_not_go_on_under_the_bearer_of_another_connection() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let listening = Listening::start(setup(&backend), "unix://").await;
    let mut owner = listening.unix_host().await;
    let mut other = listening.unix_host().await;
    login(&mut owner, &backend, &token(0), None).await;
    let thread = thread(&mut owner).await;
    owner.request("turn/start", turn(&thread)).await.unwrap();
    owner.notification("turn/completed").await;
    // Same origin, same label, another connection: nothing shows that it is the same account.
    login(&mut other, &backend, &token(1), None).await;
    let refused = owner.request("turn/start", turn(&thread)).await;
    assert_eq!(refused.unwrap_err().kind(), "accountChanged");
    // The owner may change its account itself.
    login(&mut owner, &backend, &token(2), None).await;
    owner.request("turn/start", turn(&thread)).await.unwrap();
    owner.notification("turn/completed").await;
    let expected = BTreeMap::from([(token(0), 1), (token(2), 1)]);
    assert_eq!(uses(&backend), expected);
}
