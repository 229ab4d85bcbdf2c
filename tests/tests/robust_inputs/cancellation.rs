//! Rows 32 and 33: `$/cancelRequest`, and interrupting a turn that waits for a refresh.

use byokey_dev_backend::{Route, TestToken};
use serde_json::{Value, json};

use crate::probe::{CANARY, CANCELLED, Probe};

const REFRESH: &str = "account/chatgptAuthTokens/refresh";
const LIMITS: &str = "account/rateLimits/read";

impl Probe {
    async fn cancel(&mut self, id: impl Into<Value>) {
        let params = json!({"id": id.into()});
        self.host
            .send(&json!({"method": "$/cancelRequest", "params": params}))
            .await;
    }

    async fn is_cancelled(&mut self, id: i64) {
        self.cancel(id).await;
        let refused = self.host.answer(id).await.unwrap_err();
        assert_eq!((refused.code, refused.kind()), (CANCELLED, "cancelled"));
    }
}

#[tokio::test]
async fn row_32_cancelling_what_is_unknown_or_finished_is_ignored() {
    let mut probe = Probe::start().await;
    let finished = probe.host.start("account/read", json!({})).await;
    assert!(probe.host.answer(finished).await.is_ok());
    for params in [
        json!({"id": finished}),
        json!({"id": 4711}),
        json!({"id": CANARY}),
        json!({"id": [CANARY]}),
        json!({}),
        json!([CANARY]),
        json!(null),
    ] {
        let line = json!({"method": "$/cancelRequest", "params": params});
        probe.ignores(format!("{line}\n").as_bytes()).await;
    }
    probe.end().await;
}

#[tokio::test]
async fn running_and_queued_requests_are_cancelled_and_the_others_are_not() {
    let mut probe = Probe::start().await;
    probe.sign_in().await;
    let held = probe.backend.hold(Route::Usage);
    let mut ids = Vec::new();
    for _ in 0..100 {
        ids.push(probe.host.start(LIMITS, json!({})).await);
    }
    // This many are sent to the backend; the others queue.
    held.wait_for(64).await;
    probe.is_cancelled(ids.remove(99)).await;
    probe.is_cancelled(ids.remove(0)).await;
    held.release();
    for id in ids {
        assert!(probe.host.answer(id).await.is_ok(), "{id}");
    }
    probe.end().await;
}

#[tokio::test]
async fn row_33_a_request_that_waits_for_a_refresh_is_cancelled_and_the_refresh_goes_on() {
    let mut probe = Probe::start().await;
    let (first, refresh) = probe.wait_for_refresh().await;
    let mut others = Vec::new();
    for _ in 0..10 {
        others.push(probe.host.start(LIMITS, json!({})).await);
    }
    probe.backend.wait_for(Route::Usage, 11).await;
    probe.is_cancelled(first).await;
    let new = TestToken::new("bea").encode();
    let tokens = json!({"accessToken": new, "chatgptAccountId": "ws-1"});
    probe.host.respond(&refresh, tokens).await;
    for id in others {
        assert!(probe.host.answer(id).await.is_ok(), "{id}");
    }
    let mut late = probe.host.quiet_for(std::time::Duration::ZERO).await;
    late.retain(|message| message["method"] == REFRESH || !message["id"].is_null());
    assert!(late.is_empty(), "one refresh, one answer each: {late:?}");
}

#[tokio::test]
async fn the_refresh_goes_on_when_all_waiters_are_cancelled() {
    let mut probe = Probe::start().await;
    let (call, refresh) = probe.wait_for_refresh().await;
    probe.is_cancelled(call).await;
    let new = TestToken::new("bea").encode();
    let tokens = json!({"accessToken": new, "chatgptAccountId": "ws-1"});
    probe.host.respond(&refresh, tokens).await;
    assert!(probe.host.request(LIMITS, json!({})).await.is_ok());
    let requests = probe.backend.requests_to(Route::Usage);
    assert_eq!(requests.last().unwrap().bearer(), Some(new.as_str()));
}

#[tokio::test]
async fn a_turn_that_waits_for_a_refresh_is_interrupted_at_once_and_the_new_token_is_kept() {
    let mut probe = Probe::start().await;
    let token = probe.sign_in().await;
    probe.backend.reject_bearer(&token);
    let started = probe.host.request("thread/start", json!({})).await;
    let thread = started.unwrap()["thread"]["id"].take();
    let input = json!([{"type": "text", "text": "Hello"}]);
    let params = json!({"threadId": thread, "input": input});
    let started = probe.host.request("turn/start", params).await.unwrap();
    let (refresh, _) = probe.host.asked(REFRESH).await;

    let params = json!({"threadId": thread, "turnId": started["turn"]["id"]});
    let interrupted = probe.host.request("turn/interrupt", params).await;
    assert_eq!(interrupted, Ok(json!({})));
    let completed = probe.host.notification("turn/completed").await;
    assert_eq!(completed["turn"]["status"], "interrupted");

    let new = TestToken::new("bea").encode();
    let tokens = json!({"accessToken": new, "chatgptAccountId": "ws-1"});
    probe.host.respond(&refresh, tokens).await;
    assert!(probe.host.request(LIMITS, json!({})).await.is_ok());
    let read = probe.host.request("account/read", json!({})).await.unwrap();
    assert_eq!(read["account"]["email"], "bea@example.com");
}
