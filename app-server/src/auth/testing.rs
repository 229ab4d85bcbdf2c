//! Made-up tokens for the unit tests.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use byokey_protocol::external_auth::ExternalTokens;
use byokey_protocol::secret::Secret;

/// An unsigned token with these claims.
pub(crate) fn jwt(claims: &str) -> String {
    format!("e30.{}.made-up", URL_SAFE_NO_PAD.encode(claims))
}

/// A token that tells an email.
pub(crate) fn jwt_of(email: &str) -> String {
    jwt(&format!(r#"{{"email":"{email}"}}"#))
}

/// Tokens as a host hands them over.
pub(crate) fn tokens(access_token: &str, account_id: &str) -> ExternalTokens {
    ExternalTokens {
        access_token: Secret::from(access_token),
        chatgpt_account_id: Some(account_id.to_owned()),
        chatgpt_plan_type: None,
        id_token: None,
    }
}
