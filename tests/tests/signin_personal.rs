//! Personal access tokens: over RPC and from the environment.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use byokey_dev_backend::{DevBackend, Options, Route};
use byokey_tests::issuer::{Ask, Issuer};
use byokey_tests::{Host, Server, Setup};
use serde_json::{Value, json};

/// Fake.
const TOKEN: &str = "at-made-up-personal-access-token";

fn login() -> Value {
    json!({"type": "personalAccessToken", "accessToken": TOKEN})
}

async fn start(issuer: &Issuer, setup: Setup) -> (Server, Host) {
    let mut server = issuer.set_up(setup).start();
    let host = Host::initialized(&mut server).await;
    (server, host)
}

async fn account(host: &mut Host) -> Value {
    let read = host.request("account/read", json!({})).await;
    read.unwrap()["account"].take()
}

// Row: personal access tokens
#[tokio::test]
async fn the_owner_is_asked_for_and_the_token_is_used_but_never_shown() {
    let issuer = Issuer::start().await;
    let backend = DevBackend::start(Options::new()).unwrap();
    let (server, mut host) = start(&issuer, Setup::default().backend(&backend)).await;

    let result = host.request("account/login/start", login()).await.unwrap();
    assert_eq!(result, json!({"type": "personalAccessToken"}));
    let completed = host.notification("account/login/completed").await;
    assert_eq!(
        completed,
        json!({"loginId": null, "success": true, "error": null})
    );
    let updated = host.notification("account/updated").await;
    assert_eq!(updated["authMode"], "personalAccessToken");
    assert_eq!(updated["planType"], "pro");
    assert_eq!(
        account(&mut host).await,
        json!({"type": "chatgpt", "email": "ada@example.com", "planType": "pro"})
    );
    let ask = json!({"includeToken": true, "refreshToken": true});
    let status = host.request("getAuthStatus", ask).await.unwrap();
    assert_eq!(status["authMethod"], "personalAccessToken");
    assert_eq!(status["authToken"], Value::Null);

    host.request("account/usage/read", json!({})).await.unwrap();
    let seen = backend.requests_to(Route::Profile);
    assert_eq!(seen[0].bearer(), Some(TOKEN));
    assert_eq!(seen[0].header("chatgpt-account-id"), Some("account-ada"));
    let asked = issuer.asked(Ask::Whoami);
    assert_eq!(asked.len(), 1, "a refresh does nothing for such a token");
    assert_eq!(
        asked[0].authorization.as_deref(),
        Some(format!("Bearer {TOKEN}").as_str())
    );
    assert!(!server.log().contains(TOKEN));
}

#[tokio::test]
async fn a_401_is_final() {
    let issuer = Issuer::start().await;
    let backend = DevBackend::start(Options::new()).unwrap();
    let (_server, mut host) = start(&issuer, Setup::default().backend(&backend)).await;
    host.request("account/login/start", login()).await.unwrap();
    backend.reject_bearer(TOKEN);
    let refused = host.request("account/usage/read", json!({})).await;
    assert_eq!(refused.unwrap_err().kind(), "reauthRequired");
    assert_eq!(backend.count(Route::Profile), 1);
}

// Row: personal access tokens
#[tokio::test]
async fn an_unconfirmed_owner_fails_the_login() {
    let whole = json!({
        "email": null, "chatgpt_user_id": "u", "chatgpt_account_id": "ws",
        "chatgpt_plan_type": "pro", "chatgpt_account_is_fedramp": true,
    });
    let mut lacking = whole.clone();
    lacking.as_object_mut().unwrap().remove("chatgpt_plan_type");
    let issuer = Issuer::start().await;
    let (server, mut host) = start(&issuer, Setup::default()).await;
    for (status, body) in [
        (401, json!({"error": "CANARY"})),
        (500, json!("CANARY")),
        (302, whole.clone()),
        (200, json!("CANARY no json")),
        (200, lacking),
    ] {
        issuer.next(Ask::Whoami, status, body);
        let refused = host.request("account/login/start", login()).await;
        let refused = refused.unwrap_err();
        assert_eq!((refused.code, refused.kind()), (-32603, "loginFailed"));
        let told = &refused.message;
        assert!(
            told.starts_with("failed to request personal access token metadata: "),
            "{told}"
        );
        assert!(!told.contains("CANARY"));
        assert_eq!(account(&mut host).await, Value::Null);
    }
    issuer.next(Ask::Whoami, 200, whole);
    host.request("account/login/start", login()).await.unwrap();
    assert_eq!(account(&mut host).await["email"], Value::Null);
    assert!(!server.log().contains("CANARY"));
}

// Row: personal access tokens
#[tokio::test]
async fn what_is_no_such_token_is_sent_nowhere() {
    let issuer = Issuer::start().await;
    let (_server, mut host) = start(&issuer, Setup::default()).await;
    for text in ["sk-CANARY", "", "at-", "at-CANARY\r\nx: y"] {
        let params = json!({"type": "personalAccessToken", "accessToken": text});
        let refused = host.request("account/login/start", params).await;
        let refused = refused.unwrap_err();
        assert_eq!((refused.code, refused.kind()), (-32602, "invalidParams"));
        assert!(!refused.message.contains("CANARY"));
    }
    assert!(issuer.asked(Ask::Whoami).is_empty());
}

// Row: workspaces that are allowed
#[tokio::test]
async fn the_configuration_decides_which_logins_are_allowed() {
    let issuer = Issuer::start().await;
    let api_only = Setup::default().config("forced_login_method = \"api\"");
    let (_server, mut host) = start(&issuer, api_only).await;
    let refused = host.request("account/login/start", login()).await;
    assert_eq!(
        refused.unwrap_err().message,
        "Access token login is disabled. Use API key login instead."
    );
    assert!(issuer.asked(Ask::Whoami).is_empty());

    let elsewhere = Setup::default().config("forced_chatgpt_workspace_id = [\"a\", \"b\"]");
    let (_server, mut host) = start(&issuer, elsewhere).await;
    let refused = host.request("account/login/start", login()).await;
    let refused = refused.unwrap_err();
    assert_eq!(
        refused.message,
        "Login is restricted to workspace id(s) a, b."
    );
    assert_eq!(refused.kind(), "workspaceMismatch");
    assert_eq!(account(&mut host).await, Value::Null);
}

// Row: the order of logins
#[tokio::test]
async fn the_host_goes_before_and_wins_meanwhile() {
    let issuer = Issuer::start().await;
    let (_server, mut host) = start(&issuer, Setup::default()).await;
    let gate = issuer.hold(Ask::Whoami);
    let id = host.start("account/login/start", login()).await;
    issuer.wait_for(Ask::Whoami, 1).await;
    host.login(&byokey_dev_backend::TestToken::new("host").encode(), "ws-1")
        .await;
    gate.add_permits(1);
    let overtaken = host.answer(id).await.unwrap_err();
    assert_eq!(overtaken.kind(), "externalAuthActive");
    let refused = host.request("account/login/start", login()).await;
    assert_eq!(refused.unwrap_err().kind(), "externalAuthActive");
    assert_eq!(account(&mut host).await["email"], "host@example.com");
}

#[tokio::test]
async fn the_environment_signs_in_before_the_first_request() {
    let issuer = Issuer::start().await;
    let setup = Setup::default().environment("CODEX_ACCESS_TOKEN", TOKEN);
    let (_server, mut host) = start(&issuer, setup).await;
    assert_eq!(account(&mut host).await["email"], "ada@example.com");
    assert_eq!(issuer.asked(Ask::Whoami).len(), 1);
    host.request("account/logout", json!({})).await.unwrap();
    assert_eq!(account(&mut host).await, Value::Null);

    issuer.next(Ask::Whoami, 401, json!({}));
    let setup = Setup::default().environment("CODEX_ACCESS_TOKEN", TOKEN);
    let (server, mut host) = start(&issuer, setup).await;
    assert_eq!(account(&mut host).await, Value::Null);
    let log = server
        .log_with("no credential is in force after startup")
        .await;
    assert!(!log.contains(TOKEN));
}

#[tokio::test]
async fn a_token_goes_to_no_address_that_could_be_read_on_the_way() {
    let mut server = Setup::default()
        .environment("CODEX_AUTHAPI_BASE_URL", "http://issuer.example")
        .start();
    let mut host = Host::initialized(&mut server).await;
    let refused = host.request("account/login/start", login()).await;
    let told = refused.unwrap_err().message;
    assert!(
        told.contains("`CODEX_AUTHAPI_BASE_URL` must be an https:// URL"),
        "{told}"
    );
}
