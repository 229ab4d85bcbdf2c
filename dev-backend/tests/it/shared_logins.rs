//! Logins that a user shares with an app ("Sign in with ChatGPT").

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use byokey_dev_backend::DevBackend;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::*;

const VERIFIER: &str = "made-up-verifier-that-is-as-long-as-verifiers-have-to-be";
const BACK: &str = "http://127.0.0.1:49152/callback";

/// Logs in, and returns the client id in the callback and the tokens.
async fn sign_in(backend: &DevBackend, client_id: &str) -> (String, Value) {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let path = format!(
        "/oauth/authorize?response_type=code&client_id={client_id}&code_challenge={challenge}\
         &code_challenge_method=S256&state=s&redirect_uri={BACK}&sign_in=yes\
         &scope=openid%20offline_access%20chatgpt.tokens.use.direct"
    );
    let answer = call(backend, get(&path, None)).await;
    assert_eq!(answer.status, 302);
    let query = answer
        .header("location")
        .strip_prefix(BACK)
        .unwrap()
        .to_owned();
    let field = |name: &str| {
        let mut pairs = query.trim_start_matches('?').split('&');
        let pair = pairs.find_map(|pair| pair.strip_prefix(&format!("{name}=")));
        pair.unwrap().to_owned()
    };
    let client_id = field("client_id");
    let fields = json!({
        "grant_type": "authorization_code", "code": field("code"), "redirect_uri": BACK,
        "client_id": client_id, "code_verifier": VERIFIER,
    });
    let tokens = call(backend, post("/oauth/token", None, &fields)).await;
    assert_eq!(tokens.status, 200);
    (client_id, tokens.json())
}

async fn refresh(backend: &DevBackend, tokens: &Value) -> Answer {
    let fields = json!({"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]});
    call(backend, post("/oauth/token", None, &fields)).await
}

#[tokio::test]
async fn the_callback_issues_the_client_id_and_the_token_is_for_the_api() {
    let backend = start_with(json!({"settings": {"apiScopes": true}}));
    let (issued, tokens) = sign_in(&backend, "dynamic_agent_client").await;
    assert!(issued.starts_with("app-made-up-"), "{issued}");
    assert_eq!(tokens["expires_in"], 3600);
    let bearer = tokens["access_token"].as_str().unwrap();
    let answer = call(&backend, post(RESPONSES, Some(bearer), &turn("x"))).await;
    assert_eq!(answer.status, 200);
    let (again, _) = sign_in(&backend, &issued).await;
    assert_eq!(again, issued);
}

#[tokio::test]
async fn an_early_refresh_spends_the_token() {
    let backend = start();
    let (_, tokens) = sign_in(&backend, "dynamic_agent_client").await;
    assert!(tokens["earliest_refresh_at"].as_u64().unwrap() > 1_700_000_000);
    let early = refresh(&backend, &tokens).await;
    assert_eq!(
        (early.status.as_u16(), &early.json()["error"]),
        (400, &json!("invalid_grant"))
    );
    let spent = refresh(&backend, &tokens).await;
    assert_eq!(spent.json()["error"]["code"], "refresh_token_invalidated");

    // A token may be refreshed within six minutes of its expiry.
    let backend = start_with(json!({"settings": {"sharedTokenSeconds": 300}}));
    let (_, tokens) = sign_in(&backend, "dynamic_agent_client").await;
    assert_eq!(refresh(&backend, &tokens).await.status, 200);
}
