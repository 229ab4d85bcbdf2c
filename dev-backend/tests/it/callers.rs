//! Admission of callers: 401 in its odd form, residency, Cloudflare, tokens at the API.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use byokey_dev_backend::{Route, TestToken, unsigned};
use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn a_refused_token_is_json_under_text_plain_with_its_code_in_headers() {
    let backend = start_with(json!({"rejectedBearers": ["old"]}));
    let answer = call(&backend, get(USAGE, Some("old"))).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(answer.header("x-openai-authorization-error"), "401");
    assert_eq!(answer.header("x-openai-ide-error-code"), "token_expired");
    for name in ["x-openai-internal-caller", "x-request-id", "set-cookie"] {
        assert_ne!(answer.header(name), "", "{name}");
    }
    let body = answer.json();
    assert_eq!(
        (&body["status"], &body["error"]["code"]),
        (&json!(401), &json!("token_expired"))
    );
    let copy = STANDARD.decode(answer.header("x-error-json")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&copy).unwrap(), body);

    backend.reject_bearer("sk-old");
    let answer = call(&backend, get("/v1/models", Some("sk-old"))).await;
    assert_eq!(answer.header("x-openai-ide-error-code"), "invalid_api_key");
}

#[tokio::test]
async fn without_odd_shapes_a_401_is_plain_json() {
    let backend = start_with(json!({"settings": {"odd": false}}));
    let answer = call(&backend, get(USAGE, None)).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.json(), json!({"error": {"message": "unauthorized"}}));
}

#[tokio::test]
async fn a_workspace_with_a_region_needs_the_residency_header() {
    let backend = start();
    let header = "x-openai-internal-codex-residency";
    let token =
        |claims: Value| unsigned(&json!({"https://api.openai.com/auth": claims}), "made-up");
    let bound = TestToken {
        residency: Some("eu".to_owned()),
        ..TestToken::new("ada")
    }
    .encode();
    let by_data = token(json!({"chatgpt_data_residency": "jp"}));
    let compute_first =
        token(json!({"chatgpt_data_residency": "jp", "chatgpt_compute_residency": "eu"}));
    let free = token(json!({"chatgpt_compute_residency": "no_constraint"}));
    for (token, stated, status) in [
        (&bound, None, 401),
        (&bound, Some("us"), 401),
        (&bound, Some("eu"), 200),
        (&by_data, None, 401),
        (&by_data, Some("jp"), 200),
        (&compute_first, Some("jp"), 401),
        (&compute_first, Some("eu"), 200),
        (&free, None, 200),
    ] {
        let mut request = get(USAGE, Some(token));
        if let Some(stated) = stated {
            request = with(request, header, stated);
        }
        let answer = call(&backend, request).await;
        assert_eq!(answer.status.as_u16(), status, "{stated:?}");
        if status == 401 {
            assert_eq!(answer.body, "Workspace is not authorized in this region.");
            assert_eq!(
                answer.header("x-openai-ide-error-code"),
                "",
                "not about the token"
            );
        }
    }
}

#[tokio::test]
async fn a_challenge_stays_until_its_cookie_comes_back() {
    let backend = start_with(json!({"settings": {"challengeUntilCookie": true}}));
    for request in [
        get(USAGE, Some("t")),
        post(CHATGPT, Some("t"), &turn("x")),
        post(
            "/oauth/token",
            None,
            &json!({"grant_type": "refresh_token"}),
        ),
        post("/api/accounts/deviceauth/token", None, &json!({})),
        get("/api/accounts/v1/user-auth-credential/whoami", Some("at-x")),
    ] {
        let path = request.uri().path().to_owned();
        let answer = call(&backend, request.clone()).await;
        assert_eq!(answer.status, 403, "{path}");
        assert_eq!(answer.header("cf-mitigated"), "challenge", "{path}");
        assert!(
            answer.header("content-type").starts_with("text/html"),
            "{path}"
        );
        assert_ne!(answer.header("cf-ray"), "", "{path}");
        let cookie = answer.header("set-cookie").split(';').next().unwrap();
        assert!(cookie.starts_with("__cf_bm="), "{cookie}");
        let cookies = format!("other=1; {cookie}");
        let answer = call(&backend, with(request, "cookie", &cookies)).await;
        assert_ne!(answer.header("cf-mitigated"), "challenge", "{path}");
    }
}

#[tokio::test]
async fn a_chatgpt_token_lacks_the_scope_of_the_api() {
    let script = json!({"settings": {"apiScopes": true}});
    let backend = start_with(script);
    let chatgpt = TestToken::new("ada").encode();
    let shared = unsigned(&json!({"aud": ["https://api.openai.com/v1"]}), "shared");
    for (bearer, status) in [(&*chatgpt, 401), (&*shared, 200), ("sk-made-up", 200)] {
        let answer = call(&backend, post(RESPONSES, Some(bearer), &turn("x"))).await;
        assert_eq!(answer.status.as_u16(), status);
        if status == 401 {
            let message = answer.json()["error"]["message"].to_string();
            assert!(message.contains("api.responses.write"), "{message}");
        }
    }
    assert_eq!(backend.count(Route::Responses), 3);
}
