//! The cost of a 401, counted on the spawned program: one request to the host, one repetition of
//! each call, no delay for other requests, and exact deadlines.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use byokey_dev_backend::{DevBackend, Options, Route, TestToken};
use byokey_tests::{Host, PATIENCE, Server, Setup};
use serde_json::{Value, json};

const REFRESH: &str = "account/chatgptAuthTokens/refresh";

/// Starts a host that is logged in with a token that the backend refuses.
async fn refused(capabilities: Value) -> (DevBackend, Server, Host, String) {
    let backend = DevBackend::start(Options::new()).unwrap();
    let mut server = Setup::default().backend(&backend).start();
    let mut host = Host::with_capabilities(&mut server, capabilities).await;
    let old = TestToken::new("old").encode();
    host.login(&old, "ws-1").await;
    backend.reject_bearer(&old);
    (backend, server, host, old)
}

/// Returns how often each bearer was sent to a route.
fn uses(backend: &DevBackend, route: Route) -> BTreeMap<String, usize> {
    let mut uses = BTreeMap::new();
    for request in backend.requests_to(route) {
        *uses
            .entry(request.bearer().unwrap().to_owned())
            .or_default() += 1;
    }
    uses
}

// Row: one refresh for all
#[tokio::test]
async fn a_thousand_calls_that_get_401_cause_one_refresh_request_and_all_succeed() {
    const CALLS: usize = 1_000;
    let (backend, _server, mut host, old) = refused(json!({})).await;
    backend.accept_bearer(&old);
    let gate = backend.hold(Route::Usage);
    let mut ids = Vec::new();
    for _ in 0..CALLS {
        ids.push(host.start("account/rateLimits/read", json!(null)).await);
    }
    // Short calls are limited to 64 at a time.
    gate.wait_for(64).await;
    backend.reject_bearer(&old);
    gate.release();
    let (refresh, params) = host.asked(REFRESH).await;
    assert_eq!(params["previousAccountId"], "ws-1");
    let new = TestToken::new("new").encode();
    host.respond(
        &refresh,
        json!({"accessToken": new, "chatgptAccountId": "ws-1"}),
    )
    .await;
    let mut refreshes = 1;
    while !ids.is_empty() {
        let message = host.next().await.unwrap();
        if message["method"] == REFRESH {
            refreshes += 1;
        }
        if let Some(at) = ids.iter().position(|id| message["id"] == *id) {
            assert!(message["result"]["rateLimits"].is_object(), "{message}");
            ids.swap_remove(at);
        }
    }
    let rest = host.quiet_for(Duration::from_millis(200)).await;
    refreshes += rest
        .iter()
        .filter(|message| message["method"] == REFRESH)
        .count();
    assert_eq!(refreshes, 1);
    // Calls that waited for their turn were not sent with a token that was known to be refused, and
    // none is repeated twice.
    let expected = BTreeMap::from([(old, 64), (new, CALLS)]);
    assert_eq!(uses(&backend, Route::Usage), expected);
}

// Row: one refresh for all
#[tokio::test]
async fn calls_that_get_401_at_once_are_sent_in_one_wave_more_than_they_fill() {
    const CALLS: usize = 200;
    const AT_ONCE: usize = 64;
    let (backend, _server, mut host, _) = refused(json!({})).await;
    let mut gate = backend.hold(Route::Usage);
    let mut ids = Vec::new();
    for _ in 0..CALLS {
        ids.push(host.start("account/rateLimits/read", json!(null)).await);
    }
    let (mut waves, mut sent) = (0, 0);
    while sent < AT_ONCE + CALLS {
        let expected = AT_ONCE.min(AT_ONCE + CALLS - sent);
        let arrived = tokio::time::timeout(PATIENCE, gate.wait_for(expected)).await;
        assert!(arrived.is_ok(), "{} in wave {waves}", gate.arrived());
        // The calls after these are held by the next gate, so none of them is released early.
        let next = backend.hold(Route::Usage);
        sent += gate.arrived();
        waves += 1;
        gate.release();
        gate = next;
        if waves == 1 {
            let (refresh, _) = host.asked(REFRESH).await;
            let new = TestToken::new("new").encode();
            let tokens = json!({"accessToken": new, "chatgptAccountId": "ws-1"});
            host.respond(&refresh, tokens).await;
        }
    }
    for id in ids {
        host.answer(id).await.unwrap();
    }
    // At three round trips each, this is the bound in docs/limits.md.
    assert_eq!(
        (waves, sent),
        (CALLS.div_ceil(AT_ONCE) + 1, AT_ONCE + CALLS)
    );
}

#[tokio::test]
async fn turns_and_calls_of_all_kinds_share_one_refresh_request() {
    const THREADS: usize = 50;
    let (backend, _server, mut host, old) = refused(json!({})).await;
    let input = json!([{"type": "text", "text": "Hello"}]);
    for _ in 0..THREADS {
        let thread = host.request("thread/start", json!({})).await.unwrap();
        let params = json!({"threadId": thread["thread"]["id"], "input": input});
        host.request("turn/start", params).await.unwrap();
    }
    let limits = host.start("account/rateLimits/read", json!({})).await;
    let usage = host.start("account/usage/read", json!({})).await;
    let models = host.start("model/list", json!({})).await;
    let (refresh, _) = host.asked(REFRESH).await;
    backend.wait_for(Route::Responses, THREADS).await;
    for route in [Route::Usage, Route::Profile, Route::Models] {
        backend.wait_for(route, 1).await;
    }
    let new = TestToken::new("new").encode();
    host.respond(
        &refresh,
        json!({"accessToken": new, "chatgptAccountId": "ws-1"}),
    )
    .await;
    for id in [limits, usage, models] {
        host.answer(id).await.unwrap();
    }
    for _ in 0..THREADS {
        let ended = host.notification("turn/completed").await;
        assert_eq!(ended["turn"]["status"], "completed", "{ended}");
    }
    let rest = host.quiet_for(Duration::from_millis(200)).await;
    assert!(rest.iter().all(|message| message["method"] != REFRESH));
    let expected = BTreeMap::from([(old, THREADS), (new, THREADS)]);
    assert_eq!(uses(&backend, Route::Responses), expected);
}

// Row: a refresh holds up nothing
#[tokio::test]
async fn ten_thousand_requests_are_answered_while_a_refresh_is_pending() {
    const REQUESTS: usize = 10_000;
    /// Fits into the pipes without a reader.
    const AT_ONCE: usize = 250;
    let (_backend, _server, mut host, _) = refused(json!({})).await;
    let waiting = host.start("account/rateLimits/read", json!({})).await;
    let (refresh, _) = host.asked(REFRESH).await;
    let mut answered = 0;
    for batch in 0..REQUESTS / AT_ONCE {
        let mut lines = String::new();
        for number in 0..AT_ONCE {
            let id = 100_000 + batch * AT_ONCE + number;
            let method = ["account/read", "getAuthStatus", "thread/loaded/list"][number % 3];
            lines += &format!("{}\n", json!({"id": id, "method": method}));
        }
        host.send_raw(lines.as_bytes()).await;
        for number in 0..AT_ONCE {
            let message = host.next().await.unwrap();
            assert_eq!(
                message["id"],
                100_000 + batch * AT_ONCE + number,
                "{message}"
            );
            assert!(message["result"].is_object(), "{message}");
            answered += 1;
        }
    }
    assert_eq!(answered, REQUESTS);
    // It was pending all the time.
    host.respond_error(&refresh, -32000, "made up").await;
    let failed = host.answer(waiting).await.unwrap_err();
    assert_eq!(failed.kind(), "hostRefused");
}

/// Returns how long the server waits for a host that does not answer.
async fn time_to_give_up(capabilities: &Value) -> Duration {
    let (_backend, _server, mut host, _) = refused(capabilities.clone()).await;
    let call = host.start("account/rateLimits/read", json!({})).await;
    let (refresh, _) = host.asked(REFRESH).await;
    let asked = Instant::now();
    let failed = host.answer(call).await.unwrap_err();
    let waited = asked.elapsed();
    assert_eq!(failed.kind(), "hostTimeout");
    // Too late: no login may use this.
    let late = TestToken::new("late").encode();
    host.respond(
        &refresh,
        json!({"accessToken": late, "chatgptAccountId": "ws-2"}),
    )
    .await;
    // Adoption would be in a task, which a later request would overtake.
    host.quiet_for(Duration::from_millis(100)).await;
    let account = host.request("account/read", json!({})).await.unwrap();
    assert_eq!(account["account"]["email"], "old@example.com");
    waited
}

/// The deadline holds within 100 ms. A busy machine may delay this test itself, so that the best of
/// a few tries counts; it may never be early.
async fn assert_deadline(capabilities: Value, deadline: Duration, tries: usize) {
    let mut best = Duration::MAX;
    for _ in 0..tries {
        let waited = time_to_give_up(&capabilities).await;
        let early = deadline.checked_sub(Duration::from_millis(50)).unwrap();
        assert!(waited >= early, "gave up after {waited:?}");
        best = best.min(waited);
        if best <= deadline + Duration::from_millis(100) {
            return;
        }
    }
    panic!("waited {best:?} for a deadline of {deadline:?}");
}

// Row: the deadline of the host
#[tokio::test]
async fn the_deadline_of_the_client_holds_within_100_ms() {
    let capabilities = json!({"authRefreshTimeoutMs": 1_000});
    assert_deadline(capabilities, Duration::from_secs(1), 5).await;
}

// Row: the deadline of the host
#[tokio::test]
async fn the_deadline_without_a_wish_is_ten_seconds() {
    assert_deadline(json!({}), Duration::from_secs(10), 2).await;
}

/// Expects each of these answers to be refused for its reason, and the old tokens to stay.
async fn replace_nothing(settings: &str, answers: &[(Value, &str)]) {
    let backend = DevBackend::start(Options::new()).unwrap();
    let setup = Setup::default().config(settings).backend(&backend);
    let mut server = setup.start();
    let mut host = Host::initialized(&mut server).await;
    let old = TestToken {
        account: "ws-1".to_owned(),
        ..TestToken::new("old")
    };
    let old = old.encode();
    host.login(&old, "ws-1").await;
    backend.reject_bearer(&old);
    for (answer, kind) in answers {
        let call = host.start("account/rateLimits/read", json!({})).await;
        let (refresh, params) = host.asked(REFRESH).await;
        assert_eq!(params["previousAccountId"], "ws-1", "before {answer}");
        host.respond(&refresh, answer.clone()).await;
        let refused = host.answer(call).await.unwrap_err();
        assert_eq!(refused.kind(), *kind, "{answer}: {refused:?}");
        let status = host
            .request("getAuthStatus", json!({"includeToken": true}))
            .await
            .unwrap();
        assert_eq!(status["authToken"], old.as_str(), "{answer}");
    }
    assert_eq!(
        uses(&backend, Route::Usage),
        BTreeMap::from([(old, answers.len())])
    );
}

// Row: answers that may not count
#[tokio::test]
async fn answers_that_may_not_count_replace_nothing() {
    let two = r#"forced_chatgpt_workspace_id = ["ws-1", "ws-2"]"#;
    let same = r#"refresh_account_policy = "same""#;
    let eve = TestToken::new("eve").encode();
    let of = |account: &str| json!({"accessToken": eve, "chatgptAccountId": account});
    // Either rule suffices.
    replace_nothing(two, &[(of("ws-3"), "workspaceMismatch")]).await;
    replace_nothing(same, &[(of("ws-2"), "workspaceMismatch")]).await;
    let long = "w".repeat(129);
    let answers = [
        (of("ws-3"), "workspaceMismatch"),
        (of("ws-2"), "workspaceMismatch"),
        (of(""), "invalidToken"),
        (of("ws-1\r\nx: y"), "invalidToken"),
        (of("ws-1 "), "invalidToken"),
        (of(&long), "invalidToken"),
        (of("ws-é"), "invalidToken"),
        (
            json!({"accessToken": "not-a-jwt", "chatgptAccountId": "ws-1"}),
            "invalidToken",
        ),
        (
            json!({"accessToken": "", "chatgptAccountId": "ws-1"}),
            "invalidToken",
        ),
        (
            json!({"accessToken": format!("{eve}\r\nx: y"), "chatgptAccountId": "ws-1"}),
            "invalidToken",
        ),
        (json!({"accessToken": eve}), "hostAnswerInvalid"),
        (
            json!({"accessToken": 1, "chatgptAccountId": "ws-1"}),
            "hostAnswerInvalid",
        ),
        (json!([]), "hostAnswerInvalid"),
        (json!(null), "hostAnswerInvalid"),
    ];
    replace_nothing(&[two, same].join("\n"), &answers).await;
}
