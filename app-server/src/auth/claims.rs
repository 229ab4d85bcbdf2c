//! What a JSON Web Token says of itself.
//!
//! The signature is not checked: the backend does that, and the token is only ever sent there.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use byokey_protocol::account::PlanType;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::identifier::is_bearer;

/// The claims that matter here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// Address of the account.
    pub email: Option<String>,
    /// Plan of the account.
    pub plan: Option<PlanType>,
    /// The account or workspace.
    pub account_id: Option<String>,
    /// The person.
    pub user_id: Option<String>,
    /// Whether the account lives in the government's cloud, which a header has to say.
    pub fedramp: bool,
    /// When the token expires, in Unix seconds.
    pub expires_at: Option<i64>,
}

/// The text is not a JSON Web Token that could be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid ID token format")]
pub struct InvalidToken;

#[derive(Deserialize)]
struct RawClaims {
    email: Option<String>,
    exp: Option<serde_json::Number>,
    #[serde(rename = "https://api.openai.com/profile", default)]
    profile: Option<RawProfile>,
    #[serde(rename = "https://api.openai.com/auth", default)]
    auth: Option<RawAuth>,
}

#[derive(Deserialize)]
struct RawProfile {
    email: Option<String>,
}

#[derive(Default, Deserialize)]
struct RawAuth {
    chatgpt_plan_type: Option<String>,
    chatgpt_account_id: Option<String>,
    chatgpt_user_id: Option<String>,
    user_id: Option<String>,
    #[serde(default)]
    chatgpt_account_is_fedramp: Option<bool>,
}

impl Claims {
    /// Reads the middle part of a token with three parts (RFC 7519 section 3).
    ///
    /// # Errors
    ///
    /// [`InvalidToken`] when it has another shape or could not be a header value.
    pub fn of(token: &str) -> Result<Self, InvalidToken> {
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidToken);
        };
        if header.is_empty() || payload.is_empty() || signature.is_empty() || !is_bearer(token) {
            return Err(InvalidToken);
        }
        let json = Zeroizing::new(URL_SAFE_NO_PAD.decode(payload).map_err(|_| InvalidToken)?);
        // Serde would also read an array, member by member.
        if json.trim_ascii_start().first() != Some(&b'{') {
            return Err(InvalidToken);
        }
        let raw: RawClaims = serde_json::from_slice(&json).map_err(|_| InvalidToken)?;
        let auth = raw.auth.unwrap_or_default();
        Ok(Self {
            email: raw
                .email
                .or_else(|| raw.profile.and_then(|profile| profile.email)),
            plan: auth.chatgpt_plan_type.as_deref().map(PlanType::from_raw),
            account_id: auth.chatgpt_account_id,
            user_id: auth.chatgpt_user_id.or(auth.user_id),
            fedramp: auth.chatgpt_account_is_fedramp.unwrap_or_default(),
            expires_at: raw.exp.and_then(|exp| {
                #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
                exp.as_i64()
                    .or_else(|| exp.as_f64().map(|seconds| seconds as i64))
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use byokey_protocol::account::PlanType;

    use super::{Claims, InvalidToken};

    fn token(claims: &str) -> String {
        format!("e30.{}.made-up", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn claims_are_found_in_their_places() {
        let claims = Claims::of(&token(
            r#"{"https://api.openai.com/profile":{"email":"u@example.com"},"exp":1700000000.5,
                "https://api.openai.com/auth":{"chatgpt_plan_type":"PRO",
                "chatgpt_account_id":"ws-1","chatgpt_account_is_fedramp":true}}"#,
        ))
        .unwrap();
        assert_eq!(claims.email.as_deref(), Some("u@example.com"));
        assert_eq!(claims.plan, Some(PlanType::Pro));
        assert_eq!(claims.account_id.as_deref(), Some("ws-1"));
        assert_eq!(claims.expires_at, Some(1_700_000_000));
        assert!(claims.fedramp);
        assert_eq!(Claims::of(&token("{}")).unwrap(), Claims::default());
        assert_eq!(Claims::of(&token(" {}")).unwrap(), Claims::default());
    }

    #[test]
    fn other_shapes_are_refused() {
        let padded = format!("e30.{}=.made-up", URL_SAFE_NO_PAD.encode("{}"));
        for text in [
            "",
            "not-a-jwt",
            "a.b",
            "..",
            "a..c",
            "a.!!.c",
            "a.b.c.d",
            &padded,
            &token("[]"),
            &token(" []"),
            &token("no json"),
            &token(r#"{"email":1}"#),
            &token("{}").replace('.', ".\n"),
        ] {
            assert_eq!(Claims::of(text), Err(InvalidToken), "{text}");
        }
    }
}
