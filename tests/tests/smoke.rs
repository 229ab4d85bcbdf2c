//! The product in one test: login, limits, a turn, a 401, a refresh, logout.

use byokey_dev_backend::{DevBackend, Options, Route, TestToken};
use byokey_tests::{Host, Setup};
use serde_json::json;

#[tokio::test]
async fn the_whole_story() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let mut server = Setup::default().backend(&backend).start();
    let mut host = Host::initialized(&mut server).await;

    let old = TestToken::new("old").encode();
    host.login(&old, "ws-1").await;
    let limits = host
        .request("account/rateLimits/read", json!({}))
        .await
        .unwrap();
    assert_eq!(limits["rateLimits"]["primary"]["usedPercent"], 42);

    let thread = host.request("thread/start", json!({})).await.unwrap();
    let thread_id = &thread["thread"]["id"];
    backend.reject_bearer(&old);
    let input = json!([{"type": "text", "text": "Hello"}]);
    let turn = host.request("turn/start", json!({"threadId": thread_id, "input": input}));
    turn.await.unwrap();
    let (id, params) = host.asked("account/chatgptAuthTokens/refresh").await;
    assert_eq!(
        params,
        json!({"reason": "unauthorized", "previousAccountId": "ws-1"})
    );
    let new = TestToken::new("new").encode();
    host.respond(&id, json!({"accessToken": new, "chatgptAccountId": "ws-2"}))
        .await;
    let completed = host.notification("turn/completed").await;
    assert_eq!(completed["turn"]["status"], "completed", "{completed}");
    let bearers: Vec<_> = backend.requests_to(Route::Responses);
    let bearers: Vec<_> = bearers
        .iter()
        .filter_map(|request| request.bearer())
        .collect();
    assert_eq!(bearers, [&old, &new]);

    host.request("account/logout", json!(null)).await.unwrap();
    let read = host.request("account/read", json!({})).await.unwrap();
    assert_eq!(
        read,
        json!({"account": null, "userId": null, "requiresOpenaiAuth": true})
    );
    host.close_input();
    assert_eq!(server.exit_code().await, Some(0));
}
