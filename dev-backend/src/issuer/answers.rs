//! What an issuer answers, in its words.

use serde_json::{Value, json};

use crate::clock::{rfc3339, unix_now};
use crate::jwt::{AUTH_CLAIM, TestToken, unsigned};

/// How long a device code is said to live, in seconds.
const DEVICE_CODE_LIFETIME: u64 = 15 * 60;

/// The one person who signs in here.
pub(super) fn person() -> TestToken {
    TestToken::new("ada")
}

/// Tokens for that person, in exchange for a code or a refresh token.
pub fn tokens(person: &TestToken, access_token: &str, refresh_token: &str) -> Value {
    json!({
        "id_token": unsigned(&person.claims(), "id"),
        "access_token": access_token,
        "refresh_token": refresh_token,
        "token_type": "Bearer",
        "scope": "openid profile email offline_access",
    })
}

/// An access token of that person; the number distinguishes it from others.
pub fn access_token(person: &TestToken, number: u64) -> String {
    unsigned(&person.claims(), &format!("access-{number}"))
}

/// An access token that the person shares with an app: it is for the API and for nothing else.
pub(super) fn shared_access_token(person: &TestToken, number: u64, client_id: &str) -> String {
    let mut claims = person.claims();
    claims["aud"] = json!(["https://api.openai.com/v1"]);
    claims["client_id"] = client_id.into();
    unsigned(&claims, &format!("shared-{number}"))
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

/// The start of a login on another device. The wait between polls, in seconds, is a string.
pub fn device_code(device_auth_id: &str, user_code: &str, interval: u64) -> Value {
    json!({
        "device_auth_id": device_auth_id, "user_code": user_code,
        "interval": interval.to_string(), "expires_at": rfc3339(unix_now() + DEVICE_CODE_LIFETIME),
    })
}

/// The user has signed in on the other device.
pub fn device_grant(code: &str, challenge: &str, verifier: &str) -> Value {
    json!({
        "authorization_code": code, "code_challenge": challenge, "code_verifier": verifier,
    })
}
