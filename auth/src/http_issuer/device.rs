//! Logins on another device (RFC 8628).

use std::time::Duration;

use byokey_protocol::secret::{Secret, expose_on_the_wire};
use serde::{Deserialize, Serialize};
use serde_json::Value;

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

/// The error of an answer, which is a code or an object with one.
#[derive(Default)]
struct Refusal {
    code: String,
    message: String,
}

impl Refusal {
    fn of(answer: &Answer) -> Self {
        let body: Value = answer.json().unwrap_or_default();
        let error = body.get("error");
        let text = |found: Option<&Value>| {
            let text = found.and_then(Value::as_str).unwrap_or_default();
            text.to_ascii_lowercase()
        };
        let code = text(error.and_then(|error| error.get("code")));
        let plain = [text(error), text(body.get("code"))];
        let given = std::iter::once(code)
            .chain(plain)
            .find(|code| !code.is_empty());
        Self {
            code: given.unwrap_or_default(),
            message: text(error.and_then(|error| error.get("message"))),
        }
    }
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
        return Err(IssuerFailure::Status(answer.status));
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
    let failed = |why: &str| Err(IssuerFailure::Refused(why.to_owned()));
    let refusal = Refusal::of(answer);
    match refusal.code.as_str() {
        "slow_down" => return Ok(DevicePoll::SlowDown),
        // The real issuer's second name for it, as of early 2026.
        "authorization_pending"
        | "deviceauth_authorization_pending"
        | "deviceauth_authorization_unknown" => return Ok(DevicePoll::Pending),
        code if code.contains("denied") || code.contains("declined") => {
            return failed("the login was denied");
        }
        code if code.contains("expired") || refusal.message.contains("has expired") => {
            return failed("the code has expired; start again");
        }
        _ => {}
    }
    match answer.status.as_u16() {
        429 => Ok(DevicePoll::SlowDown),
        502..=504 => Ok(DevicePoll::Unavailable),
        403 | 404 => Ok(DevicePoll::Pending),
        _ => failed(&format!("device auth failed with status {}", answer.status)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::exchange::Answer;
    use super::super::settings::{Endpoint, IssuerSettings};
    use super::{read_code, read_poll};
    use crate::IssuerFailure;
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
    fn what_waits_is_told_from_what_is_over() {
        let read = |status, body: &str| read_poll(&settings(), &Answer::of(status, body));
        let nested = |code: &str| format!(r#"{{"error":{{"code":"{code}","message":"CANARY"}}}}"#);
        for (status, body) in [
            (403, String::new()),
            (404, "{}".to_owned()),
            (404, "<html>".to_owned()),
            (400, r#"{"error":"authorization_pending"}"#.to_owned()),
            (403, nested("deviceauth_authorization_pending")),
            (403, nested("deviceauth_authorization_unknown")),
            (400, nested("deviceauth_authorization_unknown")),
            (403, r#"{"error":[1]}"#.to_owned()),
        ] {
            let pending = read(status, &body);
            assert!(
                matches!(pending, Ok(DevicePoll::Pending)),
                "{status} {body}"
            );
        }
        for (status, body) in [
            (400, r#"{"error":"slow_down"}"#.to_owned()),
            (403, nested("slow_down")),
            (429, String::new()),
        ] {
            let slower = read(status, &body);
            assert!(
                matches!(slower, Ok(DevicePoll::SlowDown)),
                "{status} {body}"
            );
        }
        for status in [502, 503, 504] {
            let passing = read(status, "<html>CANARY");
            assert!(matches!(passing, Ok(DevicePoll::Unavailable)), "{status}");
        }
        let expired = "Device authorization code has expired. Please request a new code.";
        for (status, body, words) in [
            (500, "CANARY".to_owned(), "status 500"),
            (400, r#"{"error":"access_denied"}"#.to_owned(), "denied"),
            (403, r#"{"error":"access_denied"}"#.to_owned(), "denied"),
            (403, nested("deviceauth_access_denied"), "denied"),
            (400, r#"{"error":"expired_token"}"#.to_owned(), "expired"),
            (403, nested("deviceauth_authorization_expired"), "expired"),
            (
                403,
                format!(r#"{{"error":{{"code":null,"message":"{expired}"}}}}"#),
                "expired",
            ),
        ] {
            let Err(IssuerFailure::Refused(text)) = read(status, &body) else {
                panic!("{status} {body}");
            };
            assert!(text.contains(words) && !text.contains("CANARY"), "{text}");
        }
    }
}
