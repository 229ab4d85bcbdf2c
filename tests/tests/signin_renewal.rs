//! Renewal of a stored login: when it happens, how the store and the issuer take part, and its
//! revocation.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use byokey_dev_backend::{TestToken, unsigned};
use byokey_tests::Host;
use byokey_tests::issuer::{Ask, access_token, person};
use byokey_tests::shared_store::SharedStore;
use serde_json::{Value, json};

/// Returns the token in force, as reported to hosts.
async fn token(host: &mut Host) -> Value {
    let ask = json!({"includeToken": true});
    let status = host.request("getAuthStatus", ask).await;
    status.unwrap()["authToken"].take()
}

async fn account(host: &mut Host) -> Value {
    let read = host.request("account/read", json!({})).await;
    read.unwrap()["account"].take()
}

// Row: processes that share a store
// Codex: refresh_token_skips_refresh_when_auth_changed
#[tokio::test]
async fn a_newer_login_in_the_store_is_used_before_the_issuer_is_asked() {
    let shared = SharedStore::new().await;
    shared.keep(&access_token(90), "rt-old");
    let (_server, mut host) = shared.start().await;
    shared.backend.reject_bearer(access_token(90));
    shared.keep(&access_token(91), "rt-newer");
    host.request("account/usage/read", json!({})).await.unwrap();
    assert_eq!(token(&mut host).await, access_token(91));
    assert!(shared.issuer.asked(Ask::Refresh).is_empty());

    shared.backend.reject_bearer(access_token(91));
    host.request("account/usage/read", json!({})).await.unwrap();
    let asked = shared.issuer.asked(Ask::Refresh);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].body["refresh_token"], "rt-newer");
    assert_eq!(token(&mut host).await, access_token(1));
}

/// Returns the bearers that the backend received, in order.
fn bearers(shared: &SharedStore) -> Vec<String> {
    let requests = shared.backend.requests();
    let bearers = requests.iter().map(|it| it.bearer().unwrap().to_owned());
    bearers.collect()
}

// Row: processes that share a store
// Row: both steps in one call
// Codex: unauthorized_recovery_reloads_then_refreshes_tokens
#[tokio::test]
async fn one_call_takes_what_the_store_has_and_then_asks_the_issuer() {
    let shared = SharedStore::new().await;
    shared.keep(&access_token(90), "rt-old");
    let (_server, mut host) = shared.start().await;
    shared.backend.reject_bearer(access_token(90));
    shared.keep(&access_token(91), "rt-newer");
    shared.backend.reject_bearer(access_token(91));
    host.request("account/usage/read", json!({})).await.unwrap();
    let used = [access_token(90), access_token(91), access_token(1)];
    assert_eq!(bearers(&shared), used);
    let asked = shared.issuer.asked(Ask::Refresh);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].body["refresh_token"], "rt-newer");
    assert_eq!(shared.kept()["tokens"]["access_token"], access_token(1));
}

// Row: both steps in one call
#[tokio::test]
async fn a_call_gives_up_when_the_tokens_that_it_asked_for_are_refused() {
    for is_newer_in_store in [true, false] {
        let shared = SharedStore::new().await;
        shared.keep(&access_token(90), "rt-old");
        let (_server, mut host) = shared.start().await;
        let mut used = vec![access_token(90)];
        if is_newer_in_store {
            shared.keep(&access_token(91), "rt-newer");
            used.push(access_token(91));
        }
        used.push(access_token(1));
        for bearer in &used {
            shared.backend.reject_bearer(bearer.clone());
        }
        let refused = host.request("account/usage/read", json!({})).await;
        assert_eq!(refused.unwrap_err().kind(), "reauthRequired");
        assert_eq!(bearers(&shared), used);
        assert_eq!(shared.issuer.asked(Ask::Refresh).len(), 1);
    }
}

// Codex: refresh_token_errors_on_account_mismatch
// Codex: unauthorized_recovery_errors_on_account_mismatch
#[tokio::test]
async fn another_users_login_in_the_store_is_never_adopted() {
    let shared = SharedStore::new().await;
    shared.keep(&access_token(90), "rt-old");
    let (_server, mut host) = shared.start().await;
    shared.backend.reject_bearer(access_token(90));
    let eve = TestToken::new("eve");
    shared.keep_for(&eve, &eve.encode(), "rt-of-eve", "2100-01-01T00:00:00Z");
    let kept = shared.kept();
    let refused = host.request("account/usage/read", json!({})).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind(), "reauthRequired");
    let text = "Your access token could not be refreshed because you have since logged out or \
                signed in to another account. Please sign in again.";
    assert!(refused.message.contains(text), "{}", refused.message);
    assert!(shared.issuer.asked(Ask::Refresh).is_empty());
    assert_eq!(shared.kept(), kept);
    let used = shared.backend.requests();
    assert!(used.iter().all(|it| it.bearer() == Some(&access_token(90))));
}

// Row: failures of the issuer
// Codex: refresh_token_returns_permanent_error_for_expired_refresh_token
#[tokio::test]
async fn each_permanent_refusal_has_its_own_text() {
    for (code, reason) in [
        (
            "refresh_token_expired",
            " because your refresh token has expired",
        ),
        (
            "refresh_token_reused",
            " because your refresh token was already used",
        ),
        (
            "refresh_token_invalidated",
            " because your refresh token was revoked",
        ),
        ("something_else", ""),
    ] {
        let shared = SharedStore::new().await;
        shared.keep(&access_token(90), "rt-old");
        shared.backend.reject_bearer(access_token(90));
        let (_server, mut host) = shared.start().await;
        let refusal = json!({"error": {"code": code, "message": "CANARY"}});
        shared.issuer.next(Ask::Refresh, 401, refusal);
        let refused = host.request("account/usage/read", json!({})).await;
        let refused = refused.unwrap_err();
        let text = format!(
            "Your access token could not be refreshed{reason}. Please log out and sign in again."
        );
        assert!(refused.message.contains(&text), "{}", refused.message);
        assert!(!refused.message.contains("CANARY"));
        assert_eq!(account(&mut host).await, Value::Null);
    }
}

// Codex: refreshes_token_when_access_token_is_expired
#[tokio::test]
async fn an_expired_token_is_renewed_before_it_is_used() {
    let shared = SharedStore::new().await;
    let expired = TestToken {
        expires_at: 1,
        ..TestToken::new("ada")
    };
    shared.keep(&expired.encode(), "rt-old");
    let (_server, mut host) = shared.start().await;
    assert_eq!(token(&mut host).await, access_token(1));
    host.request("account/usage/read", json!({})).await.unwrap();
    assert_eq!(shared.issuer.asked(Ask::Refresh).len(), 1);
    let used = shared.backend.requests();
    assert_eq!(used.len(), 1);
    assert_eq!(used[0].bearer(), Some(access_token(1).as_str()));
}

// Codex: get_auth_status_omits_token_after_proactive_refresh_failure: the issuer is asked once, not twice
// Codex: get_auth_status_returns_token_after_proactive_refresh_recovery
#[tokio::test]
async fn a_token_without_expiry_ages_and_a_refusal_is_mended_by_the_store() {
    let shared = SharedStore::new().await;
    let mut claims = person().claims();
    claims.as_object_mut().unwrap().remove("exp");
    let ageless = unsigned(&claims, "ageless");
    shared.keep_for(&person(), &ageless, "rt-old", "2100-01-01T00:00:00Z");
    let (_server, mut host) = shared.start().await;
    assert_eq!(token(&mut host).await, ageless.as_str());
    assert!(shared.issuer.asked(Ask::Refresh).is_empty());

    shared.keep(&ageless, "rt-old");
    let reused = json!({"error": {"code": "refresh_token_reused"}});
    shared.issuer.next(Ask::Refresh, 401, reused);
    let (_server, mut host) = shared.start().await;
    for _ in 0..2 {
        assert_eq!(token(&mut host).await, Value::Null);
    }
    assert_eq!(shared.issuer.asked(Ask::Refresh).len(), 1);
    shared.keep(&access_token(91), "rt-new");
    assert_eq!(token(&mut host).await, access_token(91));
    assert_eq!(shared.issuer.asked(Ask::Refresh).len(), 1);
}

// Codex: auth_reloads_disk_auth_when_cached_auth_is_stale
// Codex: auth_reloads_disk_auth_without_calling_expired_refresh_token
#[tokio::test]
async fn a_stale_login_is_taken_from_the_store_if_that_has_a_newer_one() {
    let shared = SharedStore::new().await;
    let soon = TestToken::new("ada").expiring_in(Duration::from_secs(240));
    shared.keep(&soon.encode(), "rt-old");
    shared.issuer.next(Ask::Refresh, 500, json!({}));
    let (_server, mut host) = shared.start().await;
    shared.issuer.wait_for(Ask::Refresh, 1).await;
    shared.keep(&access_token(91), "rt-new");
    let renewed = async {
        while token(&mut host).await != access_token(91) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(byokey_tests::PATIENCE, renewed)
        .await
        .unwrap();
    assert_eq!(shared.issuer.asked(Ask::Refresh).len(), 1);
}

// Row: signing out
// Codex: logout_with_revoke_revokes_refresh_token_then_removes_auth
// Codex: logout_with_revoke_removes_auth_when_revoke_fails
#[tokio::test]
async fn a_logout_gives_back_and_empties_the_store_whatever_the_issuer_says() {
    let shared = SharedStore::new().await;
    for (number, status) in [(1, 200), (2, 500)] {
        shared.keep(&access_token(90), "rt-old");
        shared.issuer.next(Ask::Revoke, status, json!({}));
        let (_server, mut host) = shared.start().await;
        host.request("account/logout", json!({})).await.unwrap();
        assert!(!shared.file().exists());
        assert_eq!(account(&mut host).await, Value::Null);
        shared.issuer.wait_for(Ask::Revoke, number).await;
        let asked = shared.issuer.asked(Ask::Revoke);
        assert_eq!(asked.last().unwrap().body["token"], "rt-old");
    }
}
