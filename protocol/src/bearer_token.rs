//! A bearer token for the configured model provider, owned by the host: its login, and the request
//! for a new one.

use serde::{Deserialize, Deserializer, Serialize};

use crate::external_auth::RefreshReason;
use crate::member::{Member, Seconds};
use crate::open::Open;
use crate::secret::{Secret, expose_on_the_wire};

/// A login with an opaque bearer token, bound to the one origin that receives it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct BearerTokenLogin {
    /// The token: any value that an HTTP header can carry. It is not parsed.
    #[serde(serialize_with = "expose_on_the_wire")]
    pub token: Secret,
    /// Scheme, host and port of the recipient, like `https://api.openai.com`. It must be the origin
    /// of the selected provider's `base_url`.
    pub origin: String,
    /// When the token expires, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// A name of the account for users, at most 256 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// A new bearer token: the host's answer to `account/bearerToken/refresh`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct BearerToken {
    /// The token, for the same account and origin as the one that it replaces.
    #[serde(serialize_with = "expose_on_the_wire")]
    pub token: Secret,
    /// When it expires, in seconds since 1970.
    // A token that can be used is not lost to an expiry that cannot.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "seconds_if_usable"
    )]
    pub expires_at: Option<i64>,
}

/// Parameters of `account/bearerToken/refresh`, a request of the server to the connection that
/// logged in with the token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct BearerTokenRefreshParams {
    /// The reason for the request. `expiring` comes at most five minutes before `expiresAt`.
    pub reason: Open<RefreshReason>,
    /// The origin that the token is for, normalised: lower case, no default port.
    pub origin: String,
}

fn seconds_if_usable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let seconds = Member::<Seconds>::deserialize(deserializer)?.usable();
    Ok(seconds.map(|seconds| seconds.0))
}

#[cfg(test)]
mod tests {
    use super::BearerToken;

    #[test]
    fn an_expiry_may_have_a_fraction_and_be_absent_or_unusable() {
        for (member, expires_at) in [
            ("", None),
            (r#","expiresAt":null"#, None),
            (r#","expiresAt":1893456000"#, Some(1_893_456_000)),
            (r#","expiresAt":1893456000.75"#, Some(1_893_456_000)),
            (r#","expiresAt":1e300"#, Some(i64::MAX)),
            (r#","expiresAt":18446744073709551615"#, Some(i64::MAX)),
            (r#","expiresAt":-1"#, Some(-1)),
            (r#","expiresAt":"1893456000""#, Some(1_893_456_000)),
            (r#","expiresAt":"1893456000.75""#, Some(1_893_456_000)),
            (r#","expiresAt":"soon""#, None),
            (r#","expiresAt":"inf""#, None),
            (r#","expiresAt":true"#, None),
            (r#","expiresAt":[1893456000,[7]]"#, None),
            (r#","expiresAt":{"seconds":{"is":1893456000}}"#, None),
        ] {
            let text = format!(r#"{{"token":"made-up"{member}}}"#);
            let read: BearerToken = serde_json::from_str(&text).unwrap();
            assert_eq!(read.expires_at, expires_at, "{member}");
            assert_eq!(read.token.expose(), "made-up");
        }
        assert!(serde_json::from_str::<BearerToken>("{}").is_err());
    }
}
