//! Fake tokens: they look like real ones and are worthless.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::clock::unix_now;

/// The claim with the plan and the ids.
pub(crate) const AUTH_CLAIM: &str = "https://api.openai.com/auth";

/// Returns a JWT with these claims, the algorithm `none` and, in place of a signature, the text
/// `signature-of-<label>`.
pub fn unsigned(claims: &Value, label: &str) -> String {
    assemble(claims, &format!("signature-of-{label}"))
}

fn assemble(claims: &Value, signature: &str) -> String {
    let header = r#"{"alg":"none","typ":"JWT"}"#;
    [header, &claims.to_string(), signature]
        .map(|part| URL_SAFE_NO_PAD.encode(part))
        .join(".")
}

/// Returns the claims of a JWT, unverified; `None` if it is not one.
pub(crate) fn claims(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_header, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

/// The claims of a fake access token.
///
/// ```
/// use byokey_dev_backend::TestToken;
///
/// let token = TestToken { plan: "team".to_owned(), ..TestToken::new("ada") };
/// assert_eq!(token.encode().split('.').count(), 3);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestToken {
    /// The claim `email`.
    pub email: String,
    /// The claim `chatgpt_plan_type`.
    pub plan: String,
    /// The claim `chatgpt_account_id`.
    pub account: String,
    /// The claim `exp`, in seconds since the Unix epoch.
    pub expires_at: u64,
    /// The claim `chatgpt_compute_residency`, which is left out if there is none.
    pub residency: Option<String>,
    /// Identifies the user, and distinguishes tokens of equal claims.
    pub label: String,
}

impl TestToken {
    /// Returns a token of `<label>@example.com` with the plan `pro`, the account `account-<label>`
    /// and a lifetime of one hour.
    pub fn new(label: impl Into<String>) -> Self {
        let label = label.into();
        Self {
            email: format!("{label}@example.com"),
            plan: "pro".to_owned(),
            account: format!("account-{label}"),
            expires_at: unix_now() + 3600,
            residency: None,
            label,
        }
    }

    /// Sets the lifetime from now.
    pub fn expiring_in(self, time: Duration) -> Self {
        Self {
            expires_at: unix_now() + time.as_secs(),
            ..self
        }
    }

    /// Returns the claims sorted by name: the order in `serde_json` depends on the features of a
    /// build, and the same token must be the same text in all of them.
    pub fn claims(&self) -> Value {
        let mut claims = json!({
            "email": self.email,
            "exp": self.expires_at,
            AUTH_CLAIM: {
                "chatgpt_account_id": self.account,
                "chatgpt_plan_type": self.plan,
                "chatgpt_user_id": format!("user-{}", self.label),
            },
        });
        if let Some(residency) = &self.residency {
            claims[AUTH_CLAIM]["chatgpt_compute_residency"] = residency.as_str().into();
        }
        claims
    }

    /// Returns the encoded token.
    pub fn encode(&self) -> String {
        unsigned(&self.claims(), &self.label)
    }

    /// Returns the encoded token, padded to exactly `length` bytes by a claim `pad`; the shortest
    /// with that claim if `length` is less.
    pub fn encode_to_length(&self, length: usize) -> String {
        let mut claims = self.claims();
        claims["pad"] = "".into();
        let mut signature = format!("signature-of-{}", self.label);
        let bare = assemble(&claims, &signature);
        let encoded_claims = bare.split('.').nth(1).map_or(0, str::len);
        let Some(mut room) = length.checked_sub(bare.len() - encoded_claims) else {
            return bare;
        };
        // No text has an encoding of 4n+1 bytes, so the signature takes the odd one.
        if room % 4 == 1 {
            let before = URL_SAFE_NO_PAD.encode(&signature).len();
            signature.push('.');
            room = room.saturating_sub(URL_SAFE_NO_PAD.encode(&signature).len() - before);
        }
        let pad = (room * 3 / 4).saturating_sub(claims.to_string().len());
        claims["pad"] = "x".repeat(pad).into();
        assemble(&claims, &signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_its_claims() {
        let token = TestToken {
            plan: "team".to_owned(),
            expires_at: 7,
            ..TestToken::new("ada")
        };
        let claims = claims(&token.encode()).unwrap();
        assert_eq!(claims["email"], "ada@example.com");
        assert_eq!(claims["exp"], 7);
        assert_eq!(claims[AUTH_CLAIM]["chatgpt_plan_type"], "team");
        assert_eq!(claims[AUTH_CLAIM]["chatgpt_account_id"], "account-ada");
        assert_eq!(claims[AUTH_CLAIM]["chatgpt_user_id"], "user-ada");
        let text = concat!(
            r#"{"email":"ada@example.com","exp":7,"https://api.openai.com/auth":"#,
            r#"{"chatgpt_account_id":"account-ada","chatgpt_plan_type":"team","#,
            r#""chatgpt_user_id":"user-ada"}}"#,
        );
        assert_eq!(token.claims().to_string(), text, "in every build");
    }

    #[test]
    fn the_signature_names_the_label() {
        let token = unsigned(&json!({}), "ada");
        let signature = URL_SAFE_NO_PAD
            .decode(token.rsplit('.').next().unwrap())
            .unwrap();
        assert_eq!(signature, b"signature-of-ada");
    }

    #[test]
    fn a_token_can_be_given_any_length() {
        for label in ["a", "ab", "abc", "abcd"] {
            let token = TestToken::new(label);
            for length in (500..600).chain([1_200, 4_000, 40_000, 40_001]) {
                let encoded = token.encode_to_length(length);
                assert_eq!(encoded.len(), length, "{label}");
                assert_eq!(
                    claims(&encoded).unwrap()["email"],
                    format!("{label}@example.com")
                );
            }
            let shortest = token.encode_to_length(0);
            assert!(shortest.len() < 500 && claims(&shortest).is_some());
        }
    }

    #[test]
    fn what_is_not_a_jwt_has_no_claims() {
        for text in ["", "sk-abc", "a.b", "a.b.c", "a.e30.c.d"] {
            assert_eq!(claims(text), None, "{text}");
        }
        assert_eq!(claims("a.e30.c"), Some(json!({})));
    }
}
