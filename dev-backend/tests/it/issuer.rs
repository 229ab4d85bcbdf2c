//! The issuer: its pages, and the validity of codes and tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use byokey_dev_backend::{DevBackend, Route, TestToken};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::*;

const VERIFIER: &str = "made-up-verifier-that-is-as-long-as-verifiers-have-to-be";
const BACK: &str = "http://localhost:1455/auth/callback";

/// Returns the URL of the authorization page.
fn authorize(more: &str) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    format!(
        "/oauth/authorize?response_type=code&client_id=made-up&code_challenge={challenge}\
         &code_challenge_method=S256&state=st%22%3Cate&redirect_uri={BACK}{more}"
    )
}

/// Presses the button. Returns the code in the redirect.
async fn sign_in(backend: &DevBackend) -> String {
    let answer = call(backend, get(&authorize("&sign_in=yes"), None)).await;
    assert_eq!(answer.status, 302);
    let back = answer.header("location").strip_prefix(BACK).unwrap();
    let (code, state) = back.split_once("&state=").unwrap();
    assert_eq!(state, "st%22%3Cate", "it comes back as it was");
    code.strip_prefix("?code=").unwrap().to_owned()
}

fn code_grant(code: &str) -> Value {
    json!({
        "grant_type": "authorization_code", "code": code, "redirect_uri": BACK,
        "client_id": "made-up", "code_verifier": VERIFIER,
    })
}

async fn trade(backend: &DevBackend, fields: &Value) -> Answer {
    call(backend, post("/oauth/token", None, fields)).await
}

async fn renew(backend: &DevBackend, refresh_token: &Value) -> Answer {
    let fields = json!({"grant_type": "refresh_token", "refresh_token": refresh_token});
    trade(backend, &fields).await
}

#[tokio::test]
async fn the_page_has_one_button_and_shows_its_fields_escaped() {
    let backend = start();
    let page = call(&backend, get(&authorize(""), None)).await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.body.matches("<button").count(), 1);
    assert!(
        page.body
            .contains("name=\"state\" value=\"st&quot;&lt;ate\"")
    );
    for wrong in [
        "&response_type=token",
        "&code_challenge_method=plain",
        "&code_challenge=short",
        "&state=",
        "&client_id=",
        "&redirect_uri=https://elsewhere.example/",
        "&redirect_uri=http://elsewhere.example/",
        "&redirect_uri=nonsense",
    ] {
        let refused = call(
            &backend,
            get(&authorize(&format!("{wrong}&sign_in=yes")), None),
        );
        assert_eq!(refused.await.status, 400, "{wrong}");
    }
}

// Row: the issuer of the loopback backend
#[tokio::test]
async fn a_code_is_good_once_and_only_with_its_verifier_client_and_address() {
    let backend = start();
    let code = sign_in(&backend).await;
    let tokens = trade(&backend, &code_grant(&code)).await;
    assert_eq!(tokens.status, 200);
    let tokens = tokens.json();
    assert_eq!(tokens["expires_in"], 864_000);
    for name in ["id_token", "access_token"] {
        assert_eq!(tokens[name].as_str().unwrap().split('.').count(), 3);
    }
    let again = trade(&backend, &code_grant(&code)).await;
    assert_eq!(
        (again.status.as_u16(), &again.json()["error"]),
        (400, &json!("invalid_grant"))
    );
    for (field, other) in [
        (
            "code_verifier",
            "made-up-verifier-of-another-one-of-that-length",
        ),
        ("client_id", "other"),
        ("redirect_uri", "http://localhost:1457/auth/callback"),
        ("code", "code-made-up"),
    ] {
        let mut fields = code_grant(&sign_in(&backend).await);
        fields[field] = other.into();
        assert_eq!(trade(&backend, &fields).await.status, 400, "{field}");
    }
    // A form is accepted as well as JSON.
    let form = format!(
        "grant_type=authorization_code&code={}&redirect_uri={BACK}&client_id=made-up\
         &code_verifier={VERIFIER}",
        sign_in(&backend).await
    );
    let traded = call(&backend, request("POST", "/oauth/token", None, form.into())).await;
    assert_eq!(traded.status, 200);
    let other = trade(&backend, &json!({"grant_type": "password"})).await;
    assert_eq!(other.json()["error"], "unsupported_grant_type");
}

// Row: the issuer of the loopback backend
#[tokio::test]
async fn a_refresh_token_is_good_once_and_reuse_ends_the_family() {
    let backend = start();
    let tokens = trade(&backend, &code_grant(&sign_in(&backend).await))
        .await
        .json();
    let renewed = renew(&backend, &tokens["refresh_token"]).await.json();
    assert_ne!(renewed["refresh_token"], tokens["refresh_token"]);
    assert_ne!(renewed["access_token"], tokens["access_token"]);
    let reused = renew(&backend, &tokens["refresh_token"]).await;
    assert_eq!(reused.status, 401);
    assert_eq!(reused.json()["error"]["code"], "refresh_token_reused");
    let lost = renew(&backend, &renewed["refresh_token"]).await;
    assert_eq!(lost.json()["error"]["code"], "refresh_token_invalidated");

    let tokens = trade(&backend, &code_grant(&sign_in(&backend).await))
        .await
        .json();
    let given_back = json!({"token": tokens["refresh_token"]});
    let revoked = call(&backend, post("/oauth/revoke", None, &given_back)).await;
    assert_eq!(revoked.status, 200);
    let lost = renew(&backend, &tokens["refresh_token"]).await;
    assert_eq!(lost.json()["error"]["code"], "refresh_token_invalidated");
}

/// Starts a login on another device and returns the parameters for polling.
async fn begin(backend: &DevBackend) -> Value {
    let path = "/api/accounts/deviceauth/usercode";
    let begun = call(backend, post(path, None, &json!({}))).await.json();
    assert_eq!(begun["interval"], "1", "a string");
    let expires_at = begun["expires_at"].as_str().unwrap();
    assert!(
        expires_at.starts_with("20") && expires_at.ends_with('Z'),
        "{expires_at}"
    );
    begun
}

async fn poll(backend: &DevBackend, begun: &Value) -> Answer {
    call(backend, post("/api/accounts/deviceauth/token", None, begun)).await
}

#[tokio::test]
async fn a_device_is_approved_or_denied_on_its_page_or_approved_after_two_polls() {
    let backend = start();
    let begun = begin(&backend).await;
    for _ in 0..2 {
        let pending = poll(&backend, &begun).await;
        assert_eq!(pending.status, 403);
        let code = &pending.json()["error"]["code"];
        assert_eq!(code, "deviceauth_authorization_pending");
    }
    let granted = poll(&backend, &begun).await.json();
    let fields = json!({
        "grant_type": "authorization_code", "code": granted["authorization_code"],
        "redirect_uri": format!("{}/deviceauth/callback", backend.base_url()),
        "client_id": "made-up", "code_verifier": granted["code_verifier"],
    });
    assert_eq!(trade(&backend, &fields).await.status, 200);
    let spent = poll(&backend, &begun).await;
    assert_eq!(spent.status, 403);
    let message = spent.json()["error"]["message"].clone();
    assert!(
        message.as_str().unwrap().contains("has expired"),
        "{message}"
    );

    let begun = begin(&backend).await;
    let page = call(&backend, get("/codex/device", None)).await;
    assert!(page.body.contains("name=\"user_code\""));
    let unknown = get("/codex/device?user_code=%3Cb%3E", None);
    let unknown = call(&backend, unknown).await;
    assert_eq!(unknown.status, 404);
    assert!(!unknown.body.contains("<B>"));
    assert_eq!(poll(&backend, &begun).await.status, 403);
    let code = begun["user_code"].as_str().unwrap().to_lowercase();
    let approved = format!("/codex/device?user_code={code}&approve=yes");
    assert_eq!(call(&backend, get(&approved, None)).await.status, 200);
    assert_eq!(poll(&backend, &begun).await.status, 200);

    let begun = begin(&backend).await;
    let code = begun["user_code"].as_str().unwrap();
    let denied = format!("/codex/device?user_code={code}&deny=yes");
    assert_eq!(call(&backend, get(&denied, None)).await.status, 200);
    let denied = poll(&backend, &begun).await;
    assert_eq!(denied.status, 403);
    assert_eq!(denied.json()["error"]["code"], "access_denied");
}

#[tokio::test]
async fn a_personal_access_token_has_an_owner() {
    let backend = start();
    let path = "/api/accounts/v1/user-auth-credential/whoami";
    let owner = call(&backend, get(path, Some("at-made-up"))).await.json();
    assert_eq!(owner["email"], "ada@example.com");
    assert_eq!(owner["chatgpt_account_id"], "account-ada");
    assert_eq!(owner["chatgpt_account_is_fedramp"], false);
    let other = TestToken::new("ada").encode();
    for bearer in [Some(other.as_str()), None] {
        assert_eq!(call(&backend, get(path, bearer)).await.status, 401);
    }
    backend.reject_bearer("at-made-up");
    assert_eq!(
        call(&backend, get(path, Some("at-made-up"))).await.status,
        401
    );
}

#[tokio::test]
async fn the_issuer_follows_the_script_too() {
    let script = json!({"routes": {"token": [{"status": 503}]}, "expireAfter": 1});
    let backend = start_with(script);
    let code = sign_in(&backend).await;
    assert_eq!(trade(&backend, &code_grant(&code)).await.status, 503);
    assert_eq!(trade(&backend, &code_grant(&code)).await.status, 200);
    assert_eq!(backend.count(Route::Token), 2);
}
