//! Logins on another device (RFC 8628).

use std::time::Duration;

use byokey_protocol::secret::{Secret, expose_on_the_wire};
use serde::{Deserialize, Serialize};

use super::exchange::{Answer, Request};
use super::settings::IssuerSettings;
use super::unusable;
use crate::login::{CodeGrant, DeviceCode, DevicePoll};
use crate::{IssuerFailure, is_identifier};
use byokey_base::memory::lock_in_memory;

/// Default polling interval (RFC 8628 section 3.2).
const DEFAULT_INTERVAL: u64 = 5;
/// Longest polling interval that the issuer may request.
const MAX_INTERVAL: u64 = 60;

#[derive(Serialize)]
struct Client<'a> {
    client_id: &'a str,
}

#[derive(Deserialize)]
struct Code {
    device_auth_id: Secret,
    #[serde(alias = "usercode")]
    user_code: Secret,
    #[serde(default)]
    interval: Option<Interval>,
}

/// Seconds, as a number or, from the issuer, as a string.
#[derive(Deserialize)]
#[serde(untagged)]
enum Interval {
    Text(String),
    Number(u64),
}

#[derive(Serialize)]
struct Question<'a> {
    #[serde(serialize_with = "exposed")]
    device_auth_id: &'a Secret,
    #[serde(serialize_with = "exposed")]
    user_code: &'a Secret,
}

fn exposed<S: serde::Serializer>(secret: &&Secret, serializer: S) -> Result<S::Ok, S::Error> {
    expose_on_the_wire(secret, serializer)
}

#[derive(Deserialize)]
struct Granted {
    authorization_code: Secret,
    code_verifier: Secret,
}

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    error: Option<String>,
}

pub(super) fn code_request(settings: &IssuerSettings) -> Result<Request, IssuerFailure> {
    let url = settings.issuer.join("api/accounts/deviceauth/usercode");
    let client_id = &settings.client_id;
    Ok(Request::json(url.map_err(unusable)?, &Client { client_id }))
}

pub(super) fn read_code(
    settings: &IssuerSettings,
    answer: &Answer,
) -> Result<DeviceCode, IssuerFailure> {
    if answer.status.as_u16() == 404 {
        return Err(IssuerFailure::Status(answer.status.to_string()));
    }
    if !answer.status.is_success() {
        let status = format!("device code request failed with status {}", answer.status);
        return Err(IssuerFailure::Refused(status));
    }
    let code: Code = answer.json()?;
    if !is_identifier(code.user_code.expose()) {
        return Err(IssuerFailure::UnexpectedAnswer);
    }
    let seconds = match code.interval {
        Some(Interval::Number(seconds)) => Some(seconds),
        Some(Interval::Text(text)) => text.trim().parse().ok(),
        None => None,
    };
    let seconds = seconds.unwrap_or(DEFAULT_INTERVAL).clamp(1, MAX_INTERVAL);
    Ok(DeviceCode {
        device_auth_id: lock_in_memory(code.device_auth_id),
        user_code: lock_in_memory(code.user_code),
        verification_url: settings
            .issuer
            .join("codex/device")
            .map_err(unusable)?
            .into(),
        interval: Duration::from_secs(seconds),
    })
}

pub(super) fn poll_request(
    settings: &IssuerSettings,
    code: &DeviceCode,
) -> Result<Request, IssuerFailure> {
    let url = settings.issuer.join("api/accounts/deviceauth/token");
    let question = Question {
        device_auth_id: &code.device_auth_id,
        user_code: &code.user_code,
    };
    Ok(Request::json(url.map_err(unusable)?, &question))
}

pub(super) fn read_poll(
    settings: &IssuerSettings,
    answer: &Answer,
) -> Result<DevicePoll, IssuerFailure> {
    if answer.status.is_success() {
        let granted: Granted = answer.json()?;
        let redirect_uri = settings
            .issuer
            .join("deviceauth/callback")
            .map_err(unusable)?;
        return Ok(DevicePoll::Granted(CodeGrant {
            code: granted.authorization_code,
            verifier: granted.code_verifier,
            redirect_uri: redirect_uri.into(),
        }));
    }
    let refusal: Refusal = answer.json().unwrap_or_default();
    let failed = |why: &str| Err(IssuerFailure::Refused(why.to_owned()));
    match (refusal.error.as_deref(), answer.status.as_u16()) {
        (Some("slow_down"), _) | (_, 429) => Ok(DevicePoll::SlowDown),
        (Some("access_denied"), _) => failed("the login was denied"),
        (Some("expired_token"), _) => failed("the code has expired; start again"),
        (Some("authorization_pending"), _) | (_, 403 | 404) => Ok(DevicePoll::Pending),
        _ => failed(&format!("device auth failed with status {}", answer.status)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::exchange::Answer;
    use super::super::settings::{Endpoint, IssuerSettings};
    use super::{read_code, read_poll};
    use crate::login::DevicePoll;

    fn settings() -> IssuerSettings {
        let endpoint = |address| Endpoint::parse(address, "made-up");
        IssuerSettings {
            client_id: "made-up".to_owned(),
            issuer: endpoint("https://auth.openai.com"),
            refresh: endpoint("https://auth.openai.com/oauth/token"),
            revoke: endpoint("https://auth.openai.com/oauth/revoke"),
            accounts: endpoint("https://auth.openai.com/api/accounts"),
        }
    }

    #[test]
    fn the_interval_is_text_a_number_or_five_seconds() {
        for (interval, seconds) in [
            (r#","interval":"7""#, 7),
            (r#","interval":9"#, 9),
            (r#","interval":"0""#, 1),
            (r#","interval":"99999""#, 60),
            (r#","interval":"soon""#, 5),
            ("", 5),
        ] {
            let body = format!(r#"{{"device_auth_id":"made-up","usercode":"A-1"{interval}}}"#);
            let code = read_code(&settings(), &Answer::of(200, &body)).unwrap();
            assert_eq!(code.interval, Duration::from_secs(seconds), "{interval}");
            assert_eq!(code.user_code.expose(), "A-1");
            assert_eq!(
                code.verification_url,
                "https://auth.openai.com/codex/device"
            );
        }
    }

    #[test]
    fn answers_to_questions() {
        let read = |status, body| read_poll(&settings(), &Answer::of(status, body));
        assert!(matches!(read(403, ""), Ok(DevicePoll::Pending)));
        assert!(matches!(read(404, "{}"), Ok(DevicePoll::Pending)));
        let pending = read(400, r#"{"error":"authorization_pending"}"#);
        assert!(matches!(pending, Ok(DevicePoll::Pending)));
        let slower = read(400, r#"{"error":"slow_down"}"#);
        assert!(matches!(slower, Ok(DevicePoll::SlowDown)));
        for (status, body) in [
            (500, "CANARY"),
            (400, r#"{"error":"access_denied"}"#),
            (400, r#"{"error":"expired_token"}"#),
            (403, r#"{"error":"access_denied"}"#),
        ] {
            let failure = read(status, body).unwrap_err().to_string();
            assert!(!failure.contains("CANARY"), "{failure}");
        }
    }
}
