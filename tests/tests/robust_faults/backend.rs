//! F9: backends that refuse, stall, break off or redirect.

use byokey_dev_backend::{DevBackend, Options, Script, TestToken};
use byokey_tests::Refused;
use serde_json::{Value, json};

use crate::{LIMITS, REFRESH, Stage};

impl Stage {
    /// Returns how a call fails with this scripted step for every call.
    async fn refused_with(&mut self, mut step: Value) -> Refused {
        step["repeat"] = json!(0);
        let script = Script::from_value(json!({"routes": {"usage": [step]}})).unwrap();
        self.backend.set_script(script);
        let refused = self.host.request(LIMITS, json!({})).await.unwrap_err();
        let read = self.host.request("account/read", json!({})).await;
        assert!(read.is_ok(), "{read:?}");
        assert!(!refused.message.contains("secret-of-the-backend"));
        refused
    }
}

// Row: bad backends
#[tokio::test]
async fn a_backend_that_always_says_401_is_asked_twice_and_the_host_once() {
    let mut stage = Stage::start().await;
    let script = json!({"routes": {"usage": [{"status": 401, "repeat": 0}]}});
    stage
        .backend
        .set_script(Script::from_value(script).unwrap());
    let call = stage.host.start(LIMITS, json!({})).await;
    let (refresh, _) = stage.host.asked(REFRESH).await;
    let new = TestToken::new("bea").encode();
    let tokens = json!({"accessToken": new, "chatgptAccountId": "ws-1"});
    stage.host.respond(&refresh, tokens).await;
    let refused = stage.host.answer(call).await.unwrap_err();
    assert_eq!(refused.kind(), "reauthRequired", "{refused:?}");
    assert_eq!(refused.data["status"], 401);
    assert_eq!(stage.backend.count(byokey_dev_backend::Route::Usage), 2);
    let asked = stage.host.quiet_for(std::time::Duration::ZERO).await;
    assert!(asked.iter().all(|message| message["method"] != REFRESH));
}

// Row: bad backends
#[tokio::test]
async fn refusals_name_the_status_and_never_the_body() {
    let mut stage = Stage::start().await;
    let body = json!({"error": {"message": "secret-of-the-backend"}});
    for (status, kind) in [
        (400, "backendRefused"),
        (403, "backendRefused"),
        (404, "backendRefused"),
        (429, "retryable"),
        (500, "retryable"),
        (503, "retryable"),
    ] {
        let refused = stage
            .refused_with(json!({"status": status, "body": body}))
            .await;
        assert_eq!(refused.code, -32603, "{status}");
        assert_eq!(refused.kind(), kind, "{status}: {refused:?}");
        assert_eq!(refused.data["status"], status);
    }
}

// Row: bad backends
#[tokio::test]
async fn truncated_and_invalid_answers_are_reported_as_such() {
    let mut stage = Stage::start().await;
    let dropped = stage.refused_with(json!({"drop": true})).await;
    assert_eq!(dropped.kind(), "retryable", "{dropped:?}");
    for body in [
        json!("{\"rate_limit\": \"secret-of-the-backend"),
        json!("secret-of-the-backend"),
        json!([]),
        json!(""),
    ] {
        let refused = stage
            .refused_with(json!({"status": 200, "body": body}))
            .await;
        assert_eq!(refused.kind(), "backendRefused", "{body}: {refused:?}");
    }
}

// Row: bad backends
#[tokio::test]
async fn a_backend_that_never_answers_is_given_up() {
    let mut stage = Stage::start().await;
    let refused = stage.refused_with(json!({"hang": true})).await;
    assert_eq!(refused.kind(), "retryable", "{refused:?}");
}

// Row: bad backends
#[tokio::test]
async fn the_token_does_not_follow_a_redirect() {
    let other = DevBackend::start(Options::new()).unwrap();
    let mut stage = Stage::start().await;
    let location = format!("{}/backend-api/wham/usage", other.base_url());
    for status in [301, 302, 303, 307, 308] {
        let step = json!({"status": status, "headers": {"location": location}});
        let refused = stage.refused_with(step).await;
        assert_eq!(refused.kind(), "backendRefused", "{status}: {refused:?}");
    }
    assert!(other.requests().is_empty());
}
