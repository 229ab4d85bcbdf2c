//! The issuer's responses.

use serde_json::{Value, json};

use crate::clock::{rfc3339, unix_now};
use crate::jwt::{AUTH_CLAIM, TestToken, unsigned};

/// The stated lifetime of a device code, in seconds.
const DEVICE_CODE_LIFETIME: u64 = 15 * 60;

/// Returns the only user of this issuer.
pub(super) fn person() -> TestToken {
    TestToken::new("ada")
}

/// Returns tokens for that user, in exchange for a code or a refresh token.
pub fn tokens(person: &TestToken, access_token: &str, refresh_token: &str) -> Value {
    json!({
        "id_token": unsigned(&person.claims(), "id"),
        "access_token": access_token,
        "refresh_token": refresh_token,
        "token_type": "Bearer",
        "scope": "openid profile email offline_access",
    })
}

/// Returns an access token of that user; the number distinguishes it from others.
pub fn access_token(person: &TestToken, number: u64) -> String {
    unsigned(&person.claims(), &format!("access-{number}"))
}

/// Returns an access token that the user shares with an app: valid for the API only.
pub(super) fn shared_access_token(person: &TestToken, number: u64, client_id: &str) -> String {
    let mut claims = person.claims();
    claims["aud"] = json!(["https://api.openai.com/v1"]);
    claims["client_id"] = client_id.into();
    unsigned(&claims, &format!("shared-{number}"))
}

/// Returns the owner of a personal access token.
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

/// Returns the start of a login on another device. The polling interval, in seconds, is a string.
pub fn device_code(device_auth_id: &str, user_code: &str, interval: u64) -> Value {
    json!({
        "device_auth_id": device_auth_id, "user_code": user_code,
        "interval": interval.to_string(), "expires_at": rfc3339(unix_now() + DEVICE_CODE_LIFETIME),
    })
}

/// Returns the grant after the user has logged in on the other device.
pub fn device_grant(code: &str, challenge: &str, verifier: &str) -> Value {
    json!({
        "authorization_code": code, "code_challenge": challenge, "code_verifier": verifier,
    })
}
