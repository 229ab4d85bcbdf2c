//! Logins that outlive the process: restored, renewed and removed by the server.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use byokey_dev_backend::{Route, TestToken};
use byokey_tests::Host;
use byokey_tests::issuer::{Ask, access_token};
use byokey_tests::shared_store::SharedStore;
use serde_json::{Value, json};

async fn account(host: &mut Host) -> Value {
    let read = host.request("account/read", json!({})).await;
    read.unwrap()["account"].take()
}

// Row: rotation of refresh tokens
// Row: the file
// Codex: refresh_token_succeeds_updates_storage
// Codex: refresh_token_refreshes_when_auth_is_unchanged
#[tokio::test]
async fn a_401_renews_the_login_and_the_next_process_has_it() {
    let shared = SharedStore::new().await;
    shared.keep(&access_token(90), "rt-old");
    shared.backend.reject_bearer(access_token(90));
    let (_server, mut host) = shared.start().await;
    assert_eq!(account(&mut host).await["email"], "ada@example.com");
    let calls: Vec<_> = {
        let mut ids = Vec::new();
        for _ in 0..20 {
            ids.push(host.start("account/usage/read", json!({})).await);
        }
        ids
    };
    for id in calls {
        host.answer(id).await.unwrap();
    }
    let asked = shared.issuer.asked(Ask::Refresh);
    assert_eq!(asked.len(), 1);
    assert_eq!(
        asked[0].body,
        json!({
            "client_id": "app_EMoamEEZ73f0CkXaXp7hrann", "grant_type": "refresh_token",
            "refresh_token": "rt-old",
        })
    );
    let kept = shared.kept();
    assert_eq!(kept["tokens"]["refresh_token"], "rt-made-up-1");
    assert_eq!(kept["tokens"]["access_token"], access_token(1));
    assert_eq!(
        kept["of-the-future"],
        json!([1]),
        "unknown members are kept"
    );
    assert_ne!(kept["last_refresh"], "2026-02-01T12:00:00Z");
    let (_other, mut other) = shared.start().await;
    other
        .request("account/usage/read", json!({}))
        .await
        .unwrap();
    assert_eq!(shared.issuer.asked(Ask::Refresh).len(), 1);
}

// Row: processes that share a store
#[tokio::test]
async fn two_processes_spend_one_refresh_token() {
    let shared = SharedStore::new().await;
    shared.keep(&access_token(90), "rt-old");
    shared.backend.reject_bearer(access_token(90));
    let (_one, mut one) = shared.start().await;
    let (_two, mut two) = shared.start().await;
    let gate = shared.issuer.hold(Ask::Refresh);
    let first = one.start("account/usage/read", json!({})).await;
    let second = two.start("account/usage/read", json!({})).await;
    shared.issuer.wait_for(Ask::Refresh, 1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    gate.add_permits(10);
    one.answer(first).await.unwrap();
    two.answer(second).await.unwrap();
    assert_eq!(shared.issuer.asked(Ask::Refresh).len(), 1);
    assert_eq!(shared.backend.count(Route::Profile), 4);
}

// Row: failures of the issuer
// Codex: get_account_omits_chatgpt_after_permanent_refresh_failure
// Codex: get_auth_status_omits_token_after_permanent_refresh_failure
// Codex: refresh_token_does_not_retry_after_permanent_failure
// Codex: refresh_token_reloads_changed_auth_after_permanent_failure
#[tokio::test]
async fn a_permanent_failure_shows_and_another_process_can_mend_it() {
    let shared = SharedStore::new().await;
    shared.keep(&access_token(90), "rt-old");
    let (_server, mut host) = shared.start().await;
    let reused = json!({"error": {"code": "refresh_token_reused", "message": "CANARY"}});
    shared.issuer.next(Ask::Refresh, 401, reused);
    let ask = json!({"includeToken": true, "refreshToken": true});
    for _ in 0..2 {
        let status = host.request("getAuthStatus", ask.clone()).await.unwrap();
        assert_eq!(status["authMethod"], "chatgpt");
        assert_eq!(status["authToken"], Value::Null);
    }
    assert_eq!(shared.issuer.asked(Ask::Refresh).len(), 1);
    let read = host
        .request("account/read", json!({"refreshToken": true}))
        .await;
    assert_eq!(read.unwrap()["account"], Value::Null);
    assert_eq!(shared.issuer.asked(Ask::Refresh).len(), 1);

    shared.backend.reject_bearer(access_token(90));
    let refused = host
        .request("account/usage/read", json!({}))
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), "reauthRequired");
    assert!(
        refused
            .message
            .contains("your refresh token was already used. Please log out and sign in again.")
    );

    shared.keep(&access_token(91), "rt-new");
    let status = host
        .request("getAuthStatus", json!({"includeToken": true}))
        .await;
    assert_eq!(status.unwrap()["authToken"], access_token(91));
    assert_eq!(account(&mut host).await["email"], "ada@example.com");
}

// Row: failures of the issuer
// Codex: refresh_token_returns_transient_error_on_server_failure
#[tokio::test]
async fn a_transient_failure_changes_nothing() {
    let shared = SharedStore::new().await;
    shared.keep(&access_token(90), "rt-old");
    shared.backend.reject_bearer(access_token(90));
    let (_server, mut host) = shared.start().await;
    let before = shared.kept();
    shared.issuer.next(Ask::Refresh, 500, json!("CANARY"));
    let failed = host
        .request("account/usage/read", json!({}))
        .await
        .unwrap_err();
    assert_eq!(failed.kind(), "retryable");
    assert!(!failed.message.contains("CANARY"));
    assert_eq!(shared.kept(), before);
    assert_eq!(account(&mut host).await["email"], "ada@example.com");
    host.request("account/usage/read", json!({})).await.unwrap();
}

// Row: renewal before the expiry
// Codex: auth_refreshes_when_access_token_is_near_expiry
// Codex: auth_skips_access_token_outside_refresh_window
// Codex: returns_fresh_tokens_as_is
#[tokio::test]
async fn a_token_about_to_expire_is_renewed_at_the_start() {
    let shared = SharedStore::new().await;
    let soon = TestToken::new("ada").expiring_in(Duration::from_secs(240));
    shared.keep(&soon.encode(), "rt-old");
    let (_server, mut host) = shared.start().await;
    let status = host
        .request("getAuthStatus", json!({"includeToken": true}))
        .await;
    assert_eq!(status.unwrap()["authToken"], access_token(1));

    let later = TestToken::new("ada").expiring_in(Duration::from_secs(400));
    shared.keep(&later.encode(), "rt-old");
    let (_server, mut host) = shared.start().await;
    let status = host
        .request("getAuthStatus", json!({"includeToken": true}))
        .await;
    assert_eq!(status.unwrap()["authToken"], later.encode());
    assert_eq!(shared.issuer.asked(Ask::Refresh).len(), 1);
}

// Row: signing out
#[tokio::test]
async fn a_logout_removes_the_file_also_from_under_the_host() {
    let shared = SharedStore::new().await;
    shared.keep(&access_token(90), "rt-old");
    let (_server, mut host) = shared.start().await;
    let token = TestToken::new("host").encode();
    host.login(&token, "ws-1").await;
    let kept = std::fs::read_to_string(shared.file()).unwrap();
    assert!(kept.contains("rt-old") && !kept.contains(&token));
    host.request("account/logout", json!({})).await.unwrap();
    assert!(!shared.file().exists());
    assert_eq!(account(&mut host).await, Value::Null);
}

#[tokio::test]
async fn an_api_key_is_kept_and_taken_up_again() {
    let shared = SharedStore::new().await;
    let (mut server, mut host) = shared.start().await;
    let params = json!({"type": "apiKey", "apiKey": "sk-made-up"});
    host.request("account/login/start", params).await.unwrap();
    host.notification("account/updated").await;
    assert_eq!(shared.kept()["OPENAI_API_KEY"], "sk-made-up");
    host.close_input();
    assert_eq!(server.exit_code().await, Some(0));
    let (_server, mut host) = shared.start().await;
    assert_eq!(account(&mut host).await, json!({"type": "apiKey"}));
}

// Row: the file
#[tokio::test]
async fn a_store_that_cannot_be_written_refuses_the_login_and_a_broken_one_the_start() {
    let shared = SharedStore::new().await;
    std::fs::create_dir(shared.folder.path().join("auth.lock")).unwrap();
    let (_server, mut host) = shared.start().await;
    let params = json!({"type": "apiKey", "apiKey": "sk-CANARY"});
    let refused = host
        .request("account/login/start", params)
        .await
        .unwrap_err();
    assert_eq!((refused.code, refused.kind()), (-32603, "storeFailed"));
    assert!(
        refused
            .message
            .starts_with("failed to save api key: cannot write ")
    );
    assert!(!refused.message.contains("CANARY"));
    assert_eq!(account(&mut host).await, Value::Null);

    #[expect(clippy::disallowed_methods, reason = "the test plays a full disk")]
    std::fs::write(shared.file(), "{ CANARY").unwrap();
    let (server, mut host) = shared.start().await;
    assert_eq!(account(&mut host).await, Value::Null);
    let log = server.log_with("does not contain a readable login").await;
    assert!(!log.contains("CANARY"));
    assert_eq!(std::fs::read_to_string(shared.file()).unwrap(), "{ CANARY");
}
