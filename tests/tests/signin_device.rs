//! Logins on another device.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use byokey_tests::issuer::{Ask, Issuer, access_token};
use byokey_tests::{Host, Server, Setup};
use serde_json::{Value, json};

async fn start(issuer: &Issuer, setup: Setup) -> (Server, Host) {
    let mut server = issuer.set_up(setup).start();
    let host = Host::initialized(&mut server).await;
    (server, host)
}

async fn begin(host: &mut Host) -> Value {
    let params = json!({"type": "chatgptDeviceCode"});
    host.request("account/login/start", params).await.unwrap()
}

async fn account(host: &mut Host) -> Value {
    let read = host.request("account/read", json!({})).await;
    read.unwrap()["account"].take()
}

// Codex: login_account_chatgpt_device_code_succeeds_and_notifies
#[tokio::test]
async fn the_user_types_the_code_and_is_signed_in() {
    let issuer = Issuer::start().await;
    issuer
        .next(Ask::DevicePoll, 403, json!({}))
        .next(Ask::DevicePoll, 404, json!({}));
    let (server, mut host) = start(&issuer, Setup::default()).await;
    let started = begin(&mut host).await;
    assert_eq!(started["type"], "chatgptDeviceCode");
    assert_eq!(started["userCode"], "CODE-12345");
    assert_eq!(
        started["verificationUrl"],
        format!("{}/codex/device", issuer.url())
    );
    let completed = host.notification("account/login/completed").await;
    assert_eq!(
        completed,
        json!({"loginId": started["loginId"], "success": true, "error": null})
    );
    let updated = host.notification("account/updated").await;
    assert_eq!(updated["authMode"], "chatgpt");
    assert_eq!(updated["planType"], "pro");
    let ask = json!({"includeToken": true});
    let status = host.request("getAuthStatus", ask).await.unwrap();
    assert_eq!(status["authToken"], access_token(1));

    assert_eq!(issuer.asked(Ask::DevicePoll).len(), 3);
    let asked = &issuer.asked(Ask::UserCode)[0].body;
    assert_eq!(asked, &json!({"client_id": "app_EMoamEEZ73f0CkXaXp7hrann"}));
    let polled = &issuer.asked(Ask::DevicePoll)[0].body;
    assert_eq!(
        polled,
        &json!({"device_auth_id": "device-made-up", "user_code": "CODE-12345"})
    );
    let traded = &issuer.asked(Ask::Code)[0].body;
    assert_eq!(traded["code"], "code-made-up");
    assert_eq!(traded["code_verifier"], "verifier-made-up");
    assert_eq!(
        traded["redirect_uri"],
        format!("{}/deviceauth/callback", issuer.url())
    );
    for secret in [
        "device-made-up",
        "code-made-up",
        "verifier-made-up",
        "rt-made-up",
    ] {
        assert!(!server.log().contains(secret), "{secret}");
    }
}

// Row: logins on another device
// Codex: login_account_chatgpt_device_code_returns_error_when_disabled
// Codex: device_code_login_integration_handles_usercode_http_failure
#[tokio::test]
async fn an_issuer_without_device_logins_says_so() {
    let issuer = Issuer::start().await;
    issuer.next(Ask::UserCode, 404, json!({}));
    let (_server, mut host) = start(&issuer, Setup::default()).await;
    let params = json!({"type": "chatgptDeviceCode"});
    let refused = host.request("account/login/start", params.clone()).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code, -32600);
    assert_eq!(
        refused.message,
        "device code login is not enabled for this Codex server. Use the browser login or verify \
         the server URL."
    );
    issuer.next(Ask::UserCode, 500, json!("CANARY"));
    let refused = host.request("account/login/start", params).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code, -32603);
    assert_eq!(
        refused.message,
        "failed to request device code: device code request failed with status 500 Internal \
         Server Error"
    );
}

// Codex: login_account_chatgpt_device_code_failure_notifies_without_account_update
#[tokio::test]
async fn a_failure_is_reported_and_the_account_stays() {
    let issuer = Issuer::start().await;
    let (_server, mut host) = start(&issuer, Setup::default()).await;
    issuer.next(Ask::DevicePoll, 500, json!("CANARY"));
    begin(&mut host).await;
    let completed = host.notification("account/login/completed").await;
    assert_eq!(
        completed["error"],
        "device auth failed with status 500 Internal Server Error"
    );
    issuer.next(Ask::Code, 400, json!("CANARY"));
    begin(&mut host).await;
    let completed = host.notification("account/login/completed").await;
    assert_eq!(completed["success"], false);
    let error = completed["error"].as_str().unwrap();
    assert!(
        error.starts_with("device code exchange failed: "),
        "{error}"
    );
    assert!(!error.contains("CANARY"));
    assert_eq!(account(&mut host).await, Value::Null);
    let seen = host.quiet_for(std::time::Duration::from_millis(200)).await;
    assert!(seen.iter().all(|it| it["method"] != "account/updated"));
}

// Row: logins on another device
// Codex: device_code_login_integration_handles_error_payload
#[tokio::test]
async fn a_refusal_of_the_issuer_ends_the_login_with_its_reason() {
    let issuer = Issuer::start().await;
    let (server, mut host) = start(&issuer, Setup::default()).await;
    for (status, code, told) in [
        (401, "access_denied", "the login was denied"),
        (400, "expired_token", "the code has expired; start again"),
        (401, "authorization_declined", "the login was denied"),
        (
            401,
            "something_new",
            "device auth failed with status 401 Unauthorized",
        ),
    ] {
        let refusal = json!({"error": code, "error_description": "CANARY"});
        issuer.next(Ask::DevicePoll, status, refusal);
        let started = begin(&mut host).await;
        let completed = host.notification("account/login/completed").await;
        assert_eq!(
            completed,
            json!({"loginId": started["loginId"], "success": false, "error": told})
        );
    }
    assert!(issuer.asked(Ask::Code).is_empty());
    assert!(!server.log().contains("CANARY"));
}

/// As the real issuer writes it: nested codes, two names for pending, a gateway that fails once.
#[tokio::test]
async fn what_waits_is_told_from_what_is_over_in_every_form() {
    let nested = |code: &str, message: &str| {
        json!({"error": {
            "message": message, "type": "invalid_request_error", "param": null, "code": code,
        }})
    };
    let issuer = Issuer::start().await;
    let (server, mut host) = start(&issuer, Setup::default()).await;
    issuer
        .next(
            Ask::DevicePoll,
            403,
            nested("deviceauth_authorization_pending", "CANARY"),
        )
        .next(
            Ask::DevicePoll,
            400,
            nested("deviceauth_authorization_unknown", "CANARY"),
        )
        .next(Ask::DevicePoll, 502, json!("CANARY"));
    begin(&mut host).await;
    let completed = host.notification("account/login/completed").await;
    assert_eq!(completed["success"], true, "{completed}");
    assert_eq!(issuer.asked(Ask::DevicePoll).len(), 4);

    let expired = "Device authorization code has expired. Please request a new code.";
    for (body, told) in [
        (
            nested("unknown", expired),
            "the code has expired; start again",
        ),
        (nested("access_denied", "CANARY"), "the login was denied"),
    ] {
        issuer.next(Ask::DevicePoll, 403, body);
        begin(&mut host).await;
        let completed = host.notification("account/login/completed").await;
        let error = completed["error"].as_str().unwrap();
        assert!(error.starts_with(told), "{error}");
    }
    assert!(!server.log().contains("CANARY"));
}

// Row: logins on another device
// Codex: login_account_chatgpt_device_code_can_be_cancelled
#[tokio::test]
async fn a_login_can_be_cancelled_while_it_waits() {
    let issuer = Issuer::start().await;
    let (_server, mut host) = start(&issuer, Setup::default()).await;
    for _ in 0..3 {
        issuer.next(Ask::DevicePoll, 403, json!({}));
    }
    let started = begin(&mut host).await;
    let id = json!({"loginId": started["loginId"]});
    let cancelled = host.request("account/login/cancel", id.clone()).await;
    assert_eq!(cancelled.unwrap(), json!({"status": "canceled"}));
    let completed = host.notification("account/login/completed").await;
    assert_eq!(completed["error"], "Login was not completed");
    let again = host.request("account/login/cancel", id).await;
    assert_eq!(again.unwrap(), json!({"status": "notFound"}));
}

// Row: workspaces that are allowed
// Codex: device_code_login_rejects_workspace_mismatch
#[tokio::test]
async fn another_workspace_than_the_configured_ones_is_refused() {
    let issuer = Issuer::start().await;
    let setup = Setup::default().config("forced_chatgpt_workspace_id = \"ws-forced\"");
    let (_server, mut host) = start(&issuer, setup).await;
    begin(&mut host).await;
    let completed = host.notification("account/login/completed").await;
    assert_eq!(
        completed["error"],
        "Login is restricted to workspace id(s) ws-forced."
    );
    assert_eq!(account(&mut host).await, Value::Null);
}

// Row: signing out
#[tokio::test]
async fn a_logout_forgets_and_gives_back_unless_it_is_to_be_local() {
    let issuer = Issuer::start().await;
    let (_server, mut host) = start(&issuer, Setup::default()).await;
    for (params, revoked) in [(json!({"revoke": false}), 0), (json!({}), 1)] {
        begin(&mut host).await;
        host.notification("account/updated").await;
        host.request("account/logout", params).await.unwrap();
        let updated = host.notification("account/updated").await;
        assert_eq!(updated["authMode"], Value::Null);
        assert_eq!(account(&mut host).await, Value::Null);
        if revoked > 0 {
            issuer.wait_for(Ask::Revoke, revoked).await;
        }
        assert_eq!(issuer.asked(Ask::Revoke).len(), revoked);
    }
    assert_eq!(
        issuer.asked(Ask::Revoke)[0].body,
        json!({
            "token": "rt-made-up-2", "token_type_hint": "refresh_token",
            "client_id": "app_EMoamEEZ73f0CkXaXp7hrann",
        })
    );
}
