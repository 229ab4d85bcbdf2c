//! What an issuer answers, in its words.

use serde_json::{Value, json};

use crate::jwt::{AUTH_CLAIM, TestToken, unsigned};

/// The one person who signs in here. Their tokens live for an hour.
pub(super) fn person() -> TestToken {
    TestToken::new("ada")
}

/// Tokens for that person: a code or a refresh token was traded for them.
pub fn tokens(person: &TestToken, access_token: &str, refresh_token: &str) -> Value {
    json!({
        "id_token": unsigned(&person.claims(), "id"),
        "access_token": access_token,
        "refresh_token": refresh_token,
    })
}

/// An access token of that person, told apart by its number.
pub fn access_token(person: &TestToken, number: u64) -> String {
    unsigned(&person.claims(), &format!("access-{number}"))
}

/// The owner of a personal access token.
pub fn owner(person: &TestToken) -> Value {
    let claims = person.claims();
    json!({
        "email": claims["email"],
        "chatgpt_user_id": claims[AUTH_CLAIM]["chatgpt_user_id"],
        "chatgpt_account_id": claims[AUTH_CLAIM]["chatgpt_account_id"],
        "chatgpt_plan_type": claims[AUTH_CLAIM]["chatgpt_plan_type"],
        "chatgpt_account_is_fedramp": false,
    })
}

/// A login on another device begins. The wait between questions is a second, as a text.
pub fn device_code(device_auth_id: &str, user_code: &str) -> Value {
    json!({"device_auth_id": device_auth_id, "user_code": user_code, "interval": "1"})
}

/// The user has signed in on the other device.
pub fn device_grant(code: &str, challenge: &str, verifier: &str) -> Value {
    json!({
        "authorization_code": code, "code_challenge": challenge, "code_verifier": verifier,
    })
}
