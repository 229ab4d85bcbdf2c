//! Rows 30, 31 and 34: answers of the host that are late, wrong, or superseded by a login.

use std::time::Duration;

use byokey_dev_backend::{Route, TestToken};
use byokey_tests::{Refused, Setup};
use serde_json::{Value, json};

use crate::probe::{CANARY, Probe};

const REFRESH: &str = "account/chatgptAuthTokens/refresh";
const LIMITS: &str = "account/rateLimits/read";

impl Probe {
    /// Logs in with a token that the backend refuses, makes a call, and returns the ids of the call
    /// and of the refresh request that follows.
    pub(crate) async fn wait_for_refresh(&mut self) -> (i64, Value) {
        let token = self.sign_in().await;
        self.backend.reject_bearer(&token);
        let call = self.host.start(LIMITS, json!({})).await;
        let (refresh, _) = self.host.asked(REFRESH).await;
        (call, refresh)
    }

    /// Returns how a call fails if its refresh is answered with this line.
    async fn fails_with(&mut self, answer: Value) -> Refused {
        let (call, refresh) = self.wait_for_refresh().await;
        let mut message = answer;
        message["id"] = refresh;
        self.host.send(&message).await;
        let refused = self.host.answer(call).await.unwrap_err();
        let read = self.host.request("account/read", json!({})).await.unwrap();
        assert_eq!(read["account"]["email"], "ada@example.com", "the old stays");
        refused
    }
}

#[tokio::test]
async fn row_30_unexpected_answers_are_ignored() {
    let mut probe = Probe::start().await;
    for answer in [
        json!({"id": 77, "result": {"accessToken": CANARY}}),
        json!({"id": CANARY, "result": CANARY}),
        json!({"id": 0, "error": {"code": 1, "message": CANARY, "data": CANARY}}),
        json!({"id": null, "result": CANARY}),
        json!({"id": {CANARY: 1}, "result": CANARY}),
        json!({"id": null, "error": {"code": -32700, "message": CANARY}}),
        json!({"result": CANARY}),
        json!({"error": CANARY, "result": CANARY}),
    ] {
        probe.ignores(format!("{answer}\n").as_bytes()).await;
    }
    probe.host.close_input();
    let log = probe.server.whole_log().await;
    let ignored = log.matches("was ignored").count();
    assert_eq!(ignored, 8, "each leaves a line in the log: {log}");
    assert!(!log.contains(CANARY), "{log}");
}

#[tokio::test]
async fn row_30_only_the_first_answer_to_a_refresh_counts() {
    let mut probe = Probe::start().await;
    let (call, refresh) = probe.wait_for_refresh().await;
    let answer = |label: &str| {
        let token = TestToken::new(label).encode();
        json!({"id": refresh, "result": {"accessToken": token, "chatgptAccountId": "ws-1"}})
    };
    let input = format!("{}\n{}\n", answer("bea"), answer("eve"));
    probe.host.send_raw(input.as_bytes()).await;
    assert!(probe.host.answer(call).await.is_ok());
    let read = probe.host.request("account/read", json!({})).await.unwrap();
    assert_eq!(read["account"]["email"], "bea@example.com");
}

#[tokio::test]
async fn row_30_a_late_answer_to_a_refresh_is_ignored() {
    let mut probe = Probe::start().await;
    let (call, refresh) = probe.wait_for_refresh().await;
    let logout = probe.host.request("account/logout", json!({})).await;
    assert!(logout.is_ok(), "{logout:?}");
    let ended = probe.host.answer(call).await.unwrap_err();
    assert_eq!(ended.kind(), "authRequired", "{ended:?}");
    let late = TestToken::new("late").encode();
    let tokens = json!({"accessToken": late, "chatgptAccountId": "ws-1"});
    probe.host.respond(&refresh, tokens).await;
    // Adoption would be in a task, which a later request would overtake.
    probe.host.quiet_for(Duration::from_millis(100)).await;
    let read = probe.host.request("account/read", json!({})).await.unwrap();
    assert_eq!(read["account"], Value::Null);
}

#[tokio::test]
async fn row_31_a_refresh_answered_with_an_error_fails_the_call() {
    let mut probe = Probe::start().await;
    let error = json!({"code": 4711, "message": CANARY, "data": {"x": CANARY}});
    let refused = probe.fails_with(json!({"error": error})).await;
    assert_eq!((refused.code, refused.kind()), (-32603, "hostRefused"));
    assert!(refused.message.contains("4711"), "{refused:?}");
    assert!(!format!("{refused:?}").contains(CANARY), "{refused:?}");
    for odd in [json!({"error": CANARY}), json!({"error": {"code": CANARY}})] {
        let refused = probe.fails_with(odd).await;
        assert_eq!(refused.kind(), "hostRefused");
        assert!(!format!("{refused:?}").contains(CANARY), "{refused:?}");
    }
}

#[tokio::test]
async fn row_31_a_refresh_answered_in_another_shape_fails_the_call() {
    let mut probe = Probe::start().await;
    for result in [
        json!(null),
        json!({}),
        json!([CANARY]),
        json!(CANARY),
        json!({"accessToken": [CANARY], "chatgptAccountId": "ws-1"}),
        json!({"accessToken": CANARY}),
    ] {
        let refused = probe.fails_with(json!({"result": result})).await;
        assert_eq!(refused.kind(), "hostAnswerInvalid", "{result}");
        assert!(!format!("{refused:?}").contains(CANARY), "{refused:?}");
    }
}

#[tokio::test]
async fn row_31_a_refresh_answered_with_a_token_of_no_use_fails_the_call() {
    let mut probe = Probe::start().await;
    for (token, account) in [
        ("", "ws-1"),
        (CANARY, "ws-1"),
        ("canary-4b1d.canary-4b1d.canary-4b1d", "ws-1"),
        (&TestToken::new("bea").encode(), "canary-4b1d\r\nx: y"),
        (&TestToken::new("bea").encode(), ""),
    ] {
        let result = json!({"accessToken": token, "chatgptAccountId": account});
        let refused = probe.fails_with(json!({"result": result})).await;
        assert_eq!(refused.kind(), "invalidToken", "{result}");
        assert!(!format!("{refused:?}").contains(CANARY), "{refused:?}");
    }
}

#[tokio::test]
async fn row_31_another_account_is_adopted_unless_the_settings_forbid_it() {
    let other = TestToken::new("bea").encode();
    let tokens = json!({"result": {"accessToken": other, "chatgptAccountId": "ws-2"}});
    let strict = Setup::default().config("refresh_account_policy = \"same\"");
    let mut probe = Probe::with(strict).await;
    let refused = probe.fails_with(tokens.clone()).await;
    assert_eq!(refused.kind(), "workspaceMismatch");

    let mut probe = Probe::start().await;
    let (call, refresh) = probe.wait_for_refresh().await;
    probe.host.respond(&refresh, tokens["result"].clone()).await;
    assert!(probe.host.answer(call).await.is_ok());
    probe.host.notification("account/updated").await;
    let read = probe.host.request("account/read", json!({})).await.unwrap();
    assert_eq!(read["account"]["email"], "bea@example.com");
}

#[tokio::test]
async fn row_34_a_login_while_a_refresh_is_pending_wins() {
    let mut probe = Probe::start().await;
    let (call, refresh) = probe.wait_for_refresh().await;
    let login = TestToken::new("bea").encode();
    probe.host.login(&login, "ws-2").await;
    assert!(probe.host.answer(call).await.is_ok());
    let late = TestToken::new("eve").encode();
    let tokens = json!({"accessToken": late, "chatgptAccountId": "ws-3"});
    probe.host.respond(&refresh, tokens).await;
    assert!(probe.host.request(LIMITS, json!({})).await.is_ok());
    let requests = probe.backend.requests_to(Route::Usage);
    let bearers: Vec<_> = requests.iter().filter_map(|call| call.bearer()).collect();
    assert_eq!(bearers[1..], [&login, &login]);
    let told = probe.host.request("account/read", json!({})).await.unwrap();
    assert_eq!(told["account"]["email"], "bea@example.com");
}
