//! Tokens and keys in the forms in which users pass them, and tokens whose claims have odd types.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use byokey_dev_backend::{TestToken, unsigned};
use byokey_tests::issuer::Issuer;
use byokey_tests::{Host, Setup};
use serde_json::{Value, json};

const START: &str = "account/login/start";

async fn token_in_force(host: &mut Host) -> Value {
    let status = host
        .request("getAuthStatus", json!({"includeToken": true}))
        .await;
    status.unwrap()["authToken"].take()
}

/// Returns the ways to pass a token, with its kind.
fn logins(token: &str) -> [(&'static str, Value); 2] {
    [
        (
            "accessToken",
            json!({"type": "chatgptAuthTokens", "accessToken": token, "chatgptAccountId": "ws"}),
        ),
        ("apiKey", json!({"type": "apiKey", "apiKey": token})),
    ]
}

#[tokio::test]
async fn white_space_around_a_token_goes() {
    let token = TestToken::new("ada").encode();
    for padded in [format!("{token}\n"), format!(" \r\n\t{token}\u{a0}")] {
        for (_, login) in logins(&padded) {
            let mut server = Setup::default().start();
            let mut host = Host::initialized(&mut server).await;
            host.request(START, login).await.unwrap();
            assert_eq!(token_in_force(&mut host).await, token.as_str());
        }
    }
    let issuer = Issuer::start().await;
    let mut server = issuer.set_up(Setup::default()).start();
    let mut host = Host::initialized(&mut server).await;
    let personal = json!({"type": "personalAccessToken", "accessToken": "\tat-made-up-token\n"});
    host.request(START, personal).await.unwrap();
}

#[tokio::test]
async fn quotes_and_schemes_are_refused_in_words_that_say_so() {
    let token = TestToken::new("ada").encode();
    let mut server = Setup::default().start();
    let mut host = Host::initialized(&mut server).await;
    for (given, words) in [
        (format!("\"{token}\""), "quotes"),
        (format!("'{token}'\n"), "quotes"),
        (format!("Bearer {token}"), "`Bearer`"),
        (format!("bearer  {token}"), "`Bearer`"),
    ] {
        for (member, login) in logins(&given) {
            let refused = host.request(START, login).await.unwrap_err();
            assert_eq!(refused.code, -32602, "{refused:?}");
            assert_eq!(refused.data["path"], member);
            assert!(refused.message.contains(words), "{}", refused.message);
            assert!(!refused.message.contains(&token));
        }
    }
    assert_eq!(token_in_force(&mut host).await, Value::Null);
}

#[tokio::test]
async fn claims_of_another_type_that_are_not_needed_are_absent() {
    for auth in [
        json!({"chatgpt_user_id": 7, "user_id": 7, "chatgpt_plan_type": "plus"}),
        json!({"chatgpt_plan_type": "plus", "chatgpt_account_is_fedramp": "no"}),
    ] {
        let claims = json!({
            "exp": "4102444800", "email": ["ada@example.com"],
            "https://api.openai.com/profile": {"email": "ada@example.com"},
            "https://api.openai.com/auth": auth,
        });
        let mut server = Setup::default().start();
        let mut host = Host::initialized(&mut server).await;
        host.login(&unsigned(&claims, "odd"), "ws-1").await;
        let read = host.request("account/read", json!({})).await.unwrap();
        let expected = json!({"type": "chatgpt", "email": "ada@example.com", "planType": "plus"});
        assert_eq!(read["account"], expected);
    }
}
