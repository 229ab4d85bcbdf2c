//! Claims of JSON Web Tokens.
//!
//! The signature is not verified: the backend does that, and the token is only ever sent there.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use byokey_protocol::account::PlanType;
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::credential::differ;
use super::identifier::{is_bearer, is_identifier};
use super::lenient::{Flag, Object, Seconds, Text};

/// The claims that this program uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// Email address of the account.
    pub email: Option<String>,
    /// Plan of the account.
    pub plan: Option<PlanType>,
    /// The account or workspace.
    pub account_id: Option<String>,
    /// The user.
    pub user_id: Option<String>,
    /// Whether the account lives in the government's cloud, which calls must state in a header.
    pub fedramp: bool,
    /// What the workspace is bound to.
    pub residency: Option<Residency>,
    /// When the token expires, in Unix seconds.
    pub expires_at: Option<i64>,
}

/// The region that a workspace is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Residency {
    /// This one, which calls must name in a header.
    Region(String),
    /// One that cannot be named. The workspace is bound all the same.
    Unreadable,
}

impl Residency {
    /// Returns the region, if it can be named.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::Region(region) => Some(region),
            Self::Unreadable => None,
        }
    }
}

/// The residency of a workspace that is not bound to a region.
const NO_CONSTRAINT: &str = "no_constraint";

/// The text is not a JSON Web Token that can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid ID token format")]
pub struct InvalidToken;

#[derive(Deserialize)]
struct RawClaims {
    #[serde(default)]
    email: Text,
    #[serde(default)]
    exp: Seconds,
    #[serde(rename = "https://api.openai.com/profile", default)]
    profile: Object<RawProfile>,
    #[serde(rename = "https://api.openai.com/auth", default)]
    auth: Object<RawAuth>,
}

#[derive(Deserialize)]
struct RawProfile {
    #[serde(default)]
    email: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawAuth {
    chatgpt_plan_type: Text,
    chatgpt_account_id: Text,
    chatgpt_user_id: Text,
    user_id: Text,
    chatgpt_account_is_fedramp: Flag,
    chatgpt_compute_residency: Option<Value>,
    chatgpt_data_residency: Option<Value>,
}

impl RawAuth {
    /// Returns the region of computation, else that of storage; `None` if the workspace is not
    /// bound to one. Unlike other claims, one of an unexpected type is not absent: that would lift
    /// the bond.
    fn residency(&mut self) -> Option<Residency> {
        let compute = self.chatgpt_compute_residency.take();
        let claim = compute.or_else(|| self.chatgpt_data_residency.take())?;
        match claim {
            Value::String(region) if region.eq_ignore_ascii_case(NO_CONSTRAINT) => None,
            Value::String(region) if region.is_empty() => None,
            Value::String(region) if is_identifier(&region) => Some(Residency::Region(region)),
            _ => Some(Residency::Unreadable),
        }
    }
}

impl Claims {
    /// Parses the payload of a token (RFC 7519 section 3).
    ///
    /// # Errors
    ///
    /// [`InvalidToken`] when it does not have three parts or cannot be a header value.
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
        // Serde would also accept an array, member by member.
        if json.trim_ascii_start().first() != Some(&b'{') {
            return Err(InvalidToken);
        }
        let raw: RawClaims = serde_json::from_slice(&json).map_err(|_| InvalidToken)?;
        let mut auth = raw.auth.0.unwrap_or_default();
        let residency = auth.residency();
        let profile = raw.profile.0;
        Ok(Self {
            email: raw
                .email
                .0
                .or_else(|| profile.and_then(|profile| profile.email.0)),
            plan: auth.chatgpt_plan_type.0.as_deref().map(PlanType::from_raw),
            account_id: auth.chatgpt_account_id.0,
            user_id: auth.chatgpt_user_id.0.or(auth.user_id.0),
            fedramp: auth.chatgpt_account_is_fedramp.0.unwrap_or_default(),
            residency,
            expires_at: raw.exp.0,
        })
    }

    /// Returns whether both can be of the same user in the same workspace: no claim that both
    /// contain differs.
    #[must_use]
    pub fn agree(&self, other: &Self) -> bool {
        !differ(self.account_id.as_ref(), other.account_id.as_ref())
            && !differ(self.user_id.as_ref(), other.user_id.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use byokey_protocol::account::PlanType;

    use super::{Claims, InvalidToken, Residency};

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
    fn claims_of_another_type_are_absent() {
        let claims = Claims::of(&token(
            r#"{"email":["a"],"exp":"1700000000","https://api.openai.com/profile":"none",
                "https://api.openai.com/auth":{"chatgpt_plan_type":{},"chatgpt_account_id":"ws-1",
                "chatgpt_user_id":7,"user_id":"ada","chatgpt_account_is_fedramp":"yes"}}"#,
        ))
        .unwrap();
        let expected = Claims {
            account_id: Some("ws-1".to_owned()),
            user_id: Some("ada".to_owned()),
            expires_at: Some(1_700_000_000),
            ..Claims::default()
        };
        assert_eq!(claims, expected);
    }

    #[test]
    fn the_residency_is_that_of_computation_else_of_storage() {
        for (claims, region) in [
            (
                r#""chatgpt_compute_residency":"us","chatgpt_data_residency":"eu""#,
                Some("us"),
            ),
            (r#""chatgpt_data_residency":"eu""#, Some("eu")),
            (
                r#""chatgpt_compute_residency":null,"chatgpt_data_residency":"eu""#,
                Some("eu"),
            ),
            (
                r#""chatgpt_compute_residency":"no_constraint","chatgpt_data_residency":"eu""#,
                None,
            ),
        ] {
            let token = token(&format!(
                r#"{{"https://api.openai.com/auth":{{{claims}}}}}"#
            ));
            let read = Claims::of(&token).unwrap().residency;
            let read = read.as_ref().map(Residency::region);
            assert_eq!(read, region.map(Some), "{claims}");
        }
    }

    #[test]
    fn a_region_that_cannot_be_read_binds_too() {
        for region in ["7", "true", "[\"us\"]", "{}", r#""e\r\nu""#, "\" us\""] {
            let token = token(&format!(
                r#"{{"https://api.openai.com/auth":{{"chatgpt_data_residency":{region}}}}}"#
            ));
            let read = Claims::of(&token).unwrap().residency;
            assert_eq!(read, Some(Residency::Unreadable), "{region}");
        }
        let none = token(r#"{"https://api.openai.com/auth":{"chatgpt_compute_residency":""}}"#);
        assert_eq!(Claims::of(&none).unwrap().residency, None);
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
            &token(r#"{"exp":1,"exp":2}"#),
            &token("{}").replace('.', ".\n"),
        ] {
            assert_eq!(Claims::of(text), Err(InvalidToken), "{text}");
        }
    }
}
