//! Each unpublished setting changes what its name says, and nothing by default.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use byokey_dev_backend::{DevBackend, TestToken};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::*;

fn start_unpublished(unpublished: Value) -> DevBackend {
    start_with(json!({"settings": {"unpublished": unpublished}}))
}

async fn status_of_turn(backend: &DevBackend, body: &Value) -> u16 {
    chatgpt(backend, "t", body).await.status.as_u16()
}

#[tokio::test]
async fn empty_lists_and_absent_instructions() {
    let mut lists = turn("x");
    lists["tools"] = json!([]);
    lists["include"] = json!([]);
    let mut bare = turn("x");
    bare.as_object_mut().unwrap().remove("instructions");
    let developer = json!({"type": "message", "role": "developer", "content": "d"});
    bare["input"] = json!([developer, user("x")]);
    let (mild, lists_matter, instructions_matter) = (
        start(),
        start_unpublished(json!({"refuseEmptyLists": true})),
        start_unpublished(json!({"alwaysRequireInstructions": true})),
    );
    for (backend, of_lists, of_bare) in [
        (mild, 200, 200),
        (lists_matter, 400, 200),
        (instructions_matter, 200, 400),
    ] {
        assert_eq!(status_of_turn(&backend, &lists).await, of_lists);
        assert_eq!(status_of_turn(&backend, &bare).await, of_bare);
    }
}

#[tokio::test]
async fn user_agents_and_originators() {
    let usage = || {
        let request = with(
            get(USAGE, Some("t")),
            "user-agent",
            "codex_vscode/0.169.0 byokey/1",
        );
        with(request, "originator", "codex_vscode")
    };
    for (unpublished, status, is_challenge) in [
        (json!({}), 200, false),
        (json!({"challengedUserAgents": ["byokey/"]}), 403, true),
        (json!({"challengedUserAgents": ["curl/"]}), 200, false),
        (json!({"originators": ["codex_cli_rs"]}), 403, false),
        (json!({"originators": ["codex_vscode"]}), 200, false),
    ] {
        let answer = call(&start_unpublished(unpublished), usage()).await;
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(answer.header("cf-mitigated") == "challenge", is_challenge);
    }
}

#[tokio::test]
async fn an_account_id_that_is_not_the_tokens() {
    let token = TestToken::new("ada").encode();
    let stating = |account| with(get(USAGE, Some(&token)), "chatgpt-account-id", account);
    assert_eq!(call(&start(), stating("other")).await.status, 200);
    let backend = start_unpublished(json!({"wrongAccountStatus": 403}));
    assert_eq!(call(&backend, stating("other")).await.status, 403);
    assert_eq!(call(&backend, stating("account-ada")).await.status, 200);
    assert_eq!(call(&backend, get(USAGE, Some(&token))).await.status, 200);
}

#[tokio::test]
async fn limits_of_account_calls_and_of_the_token_endpoint() {
    let backend = start_unpublished(json!({"accountCallsPerMinute": 2, "tokenCallsPerMinute": 1}));
    for expected in [200, 200, 429] {
        let answer = call(&backend, get(USAGE, Some("t"))).await;
        assert_eq!(answer.status.as_u16(), expected);
    }
    let fields = json!({"grant_type": "password"});
    for expected in [400, 429] {
        let answer = call(&backend, post("/oauth/token", None, &fields)).await;
        assert_eq!(answer.status.as_u16(), expected);
    }
}

#[tokio::test]
async fn a_reused_refresh_token_within_its_grace() {
    let verifier = "made-up-verifier-that-is-as-long-as-verifiers-have-to-be";
    let back = "http://localhost:1455/auth/callback";
    for (grace, status) in [(0, 401), (60, 200)] {
        let backend = start_with(json!({"settings": {
            "idTokenAtRefresh": false, "unpublished": {"refreshGraceSeconds": grace}}}));
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        let path = format!(
            "/oauth/authorize?response_type=code&client_id=c&code_challenge={challenge}\
             &code_challenge_method=S256&state=s&redirect_uri={back}&sign_in=yes"
        );
        let location = call(&backend, get(&path, None)).await;
        let code = location.header("location").split("code=").nth(1).unwrap();
        let code = code.split('&').next().unwrap();
        let fields = json!({"grant_type": "authorization_code", "code": code, "client_id": "c",
                            "redirect_uri": back, "code_verifier": verifier});
        let tokens = call(&backend, post("/oauth/token", None, &fields))
            .await
            .json();
        assert!(tokens["id_token"].is_string());
        let fields = json!({"grant_type": "refresh_token",
                            "refresh_token": tokens["refresh_token"]});
        let renewed = call(&backend, post("/oauth/token", None, &fields)).await;
        assert_eq!(renewed.status, 200);
        assert_eq!(
            renewed.json().get("id_token"),
            None,
            "left out by a setting"
        );
        let reused = call(&backend, post("/oauth/token", None, &fields)).await;
        assert_eq!(reused.status.as_u16(), status, "{grace}");
    }
}

#[tokio::test]
async fn refusals_of_revoke_and_whoami() {
    let whoami = || get("/api/accounts/v1/user-auth-credential/whoami", Some("t"));
    let revoke = || post("/oauth/revoke", None, &json!({"token": "t"}));
    assert_eq!(call(&start(), revoke()).await.status, 200);
    assert_eq!(
        call(&start(), whoami()).await.json()["error"],
        "invalid_token"
    );
    let backend = start_unpublished(json!({"revokeStatus": 400, "nestedIdentityErrors": true}));
    let answer = call(&backend, revoke()).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"]["code"], "invalid_request");
    assert_eq!(
        call(&backend, whoami()).await.json()["error"]["code"],
        "invalid_token"
    );
}

#[tokio::test]
async fn the_code_of_a_denied_device_login() {
    let backend = start_unpublished(json!({"deviceDeniedCode": "deviceauth_denied"}));
    let begin = post("/api/accounts/deviceauth/usercode", None, &json!({}));
    let begun = call(&backend, begin).await.json();
    let code = begun["user_code"].as_str().unwrap();
    call(
        &backend,
        get(&format!("/codex/device?user_code={code}&deny=yes"), None),
    )
    .await;
    let poll = post("/api/accounts/deviceauth/token", None, &begun);
    assert_eq!(
        call(&backend, poll).await.json()["error"]["code"],
        "deviceauth_denied"
    );
}

#[tokio::test]
async fn a_silent_stream_is_closed_after_its_limit() {
    let backend = start_with(json!({
        "settings": {"unpublished": {"streamIdleSeconds": 0}},
        "routes": {"responses": [{"text": ["a"], "hang": true}]},
    }));
    let mut body = open(&backend, post(RESPONSES, Some("t"), &turn("x")))
        .await
        .unwrap()
        .into_body();
    // Without the limit this would wait for ever.
    while let Some(Ok(_)) = soon(body.frame()).await {}
}

#[tokio::test]
async fn the_status_of_a_failed_validation() {
    let path = "/backend-api/codex/models";
    assert_eq!(call(&start(), get(path, Some("t"))).await.status, 400);
    let backend = start_unpublished(json!({"validationStatus": 422}));
    assert_eq!(call(&backend, get(path, Some("t"))).await.status, 422);
}

#[tokio::test]
async fn the_version_of_the_user_agent() {
    let backend = start_unpublished(json!({"userAgentVersion": false}));
    let request = with(
        post(CHATGPT, Some("t"), &turn("x")),
        "user-agent",
        "codex_vscode/0.169.0",
    );
    assert_eq!(call(&backend, request.clone()).await.status, 404);
    assert_eq!(call(&start(), request).await.status, 200);
}
