//! Token renewal.

use byokey_protocol::secret::{Secret, expose_on_the_wire};
use serde::{Deserialize, Serialize};

use super::exchange::{Answer, Request};
use super::settings::IssuerSettings;
use super::unusable;
use crate::{IssuerFailure, PermanentFailure, RenewedTokens};

#[derive(Serialize)]
struct Body<'a> {
    client_id: &'a str,
    grant_type: &'static str,
    #[serde(serialize_with = "exposed")]
    refresh_token: &'a Secret,
}

fn exposed<S: serde::Serializer>(secret: &&Secret, serializer: S) -> Result<S::Ok, S::Error> {
    expose_on_the_wire(secret, serializer)
}

#[derive(Deserialize)]
struct Tokens {
    id_token: Option<Secret>,
    access_token: Option<Secret>,
    refresh_token: Option<Secret>,
}

/// The three members with the issuer's error code.
#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    error: Option<CodeOrObject>,
    #[serde(default)]
    code: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum CodeOrObject {
    Code(String),
    Object {
        #[serde(default)]
        code: Option<String>,
    },
}

pub(super) fn request(
    settings: &IssuerSettings,
    refresh_token: &Secret,
) -> Result<Request, IssuerFailure> {
    let url = settings.refresh.url().map_err(unusable)?;
    let body = Body {
        client_id: &settings.client_id,
        grant_type: "refresh_token",
        refresh_token,
    };
    Ok(Request::json(url.clone(), &body))
}

pub(super) fn read(answer: &Answer) -> Result<RenewedTokens, IssuerFailure> {
    if answer.status.is_success() {
        let tokens: Tokens = answer.json()?;
        return Ok(RenewedTokens {
            id_token: tokens.id_token,
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
        });
    }
    let refusal: Refusal = answer.json().unwrap_or_default();
    let code = match refusal.error {
        Some(CodeOrObject::Code(code)) => Some(code),
        Some(CodeOrObject::Object { code: Some(code) }) => Some(code),
        _ => refusal.code,
    };
    Err(match code.as_deref().and_then(PermanentFailure::of_code) {
        Some(permanent) => permanent.into(),
        None if answer.status.as_u16() == 401 => PermanentFailure::Other.into(),
        None => IssuerFailure::Status(answer.status),
    })
}

#[cfg(test)]
mod tests {
    use super::super::exchange::Answer;
    use super::read;
    use crate::{IssuerFailure, PermanentFailure};

    #[test]
    fn codes_decide_wherever_they_stand_and_whatever_the_status() {
        use PermanentFailure::{Exhausted, Expired, Other, Revoked};
        for (status, body, expected) in [
            (
                401,
                r#"{"error":{"code":"refresh_token_expired"}}"#,
                Expired,
            ),
            (
                400,
                r#"{"error":{"code":"refresh_token_reused"}}"#,
                Exhausted,
            ),
            (401, r#"{"error":{"code":"token_expired"}}"#, Expired),
            (401, r#"{"error":"refresh_token_invalidated"}"#, Revoked),
            (400, r#"{"error":"invalid_refresh_token"}"#, Other),
            (403, r#"{"code":"Refresh_Token_Reused"}"#, Exhausted),
            (400, r#"{"error":"invalid_grant"}"#, Other),
            (401, r#"{"error":{"code":"something_new"}}"#, Other),
            (401, "no json", Other),
        ] {
            let failure = read(&Answer::of(status, body)).unwrap_err();
            assert_eq!(failure, IssuerFailure::Permanent(expected), "{body}");
        }
    }

    #[test]
    fn everything_else_is_transient_and_its_body_is_not_repeated() {
        for (status, body) in [
            (500, "CANARY"),
            (400, r#"{"error":"CANARY"}"#),
            (400, r#"{"error":"invalid_client"}"#),
            (403, r#"{"error":{"code":"CANARY"}}"#),
            (429, "{}"),
            (302, ""),
        ] {
            let failure = read(&Answer::of(status, body)).unwrap_err();
            assert!(matches!(failure, IssuerFailure::Status(_)), "{body}");
            assert!(!failure.to_string().contains("CANARY"));
        }
        assert_eq!(
            read(&Answer::of(200, "no json")).unwrap_err(),
            IssuerFailure::UnexpectedAnswer
        );
    }
}
