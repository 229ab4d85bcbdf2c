//! Parses error bodies of the backend, in all their forms.

use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::lenient::{self, Description, Elements, Integer, Name, Number};
use super::limits::MAX_DESCRIPTION;
use super::reason::Reason;
use super::wait;

/// Longest code that is passed on.
const MAX_CODE: usize = 64;

/// The error object of the API, in answers and in streams.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ErrorDetails {
    #[serde(rename = "type", default, deserialize_with = "lenient::member")]
    kind: Option<Name>,
    #[serde(default, deserialize_with = "lenient::member")]
    code: Option<Name>,
    #[serde(default, deserialize_with = "lenient::member")]
    param: Option<Name>,
    #[serde(default, deserialize_with = "lenient::member")]
    message: Option<Description>,
    /// FastAPI's name for the message.
    #[serde(default, deserialize_with = "lenient::member")]
    msg: Option<Description>,
    #[serde(default, deserialize_with = "lenient::member")]
    resets_at: Option<Integer>,
    #[serde(default, deserialize_with = "lenient::member")]
    resets_in_seconds: Option<Number>,
    /// FastAPI's name for the location of an error.
    #[serde(default, deserialize_with = "lenient::list")]
    loc: Option<Elements<Name, 8>>,
}

/// An error body: `{"error": {…}}`, `{"error": "code"}`, `{"detail": "text"}`,
/// `{"detail": {"code": …}}`, `{"detail": [{type, loc, msg}]}`, or the error object alone.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
}

/// The cause of a failed call or stream, in our words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    /// The reason, if known.
    pub reason: Option<Reason>,
    /// The backend's error code, if it is an identifier.
    pub code: Option<String>,
    /// The parameter at fault.
    pub parameter: Option<String>,
    /// When a usage limit resets, in Unix seconds.
    pub resets_at: Option<i64>,
    /// The requested wait before the next attempt.
    pub wait: Option<Duration>,
}

impl ErrorDetails {
    /// Parses an error body or an `error` event in any form; `None` for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.trim_start().starts_with('[') {
            return Self::of_member(text.trim_start());
        }
        let body: Body<'_> = serde_json::from_str(text).ok()?;
        let error = body.error.or(body.detail);
        let mut details = Self::of_member(error.map_or(text, RawValue::get))?;
        if error.is_none() {
            // Here `error` is the event's type, not a reason.
            details.kind = details.kind.filter(|kind| kind.0 != "error");
        }
        Some(details)
    }

    /// Returns details for a text that is not an error object; only known phrases in it count.
    pub(crate) fn of_words(text: &str) -> Self {
        let message = (text.len() <= MAX_DESCRIPTION).then(|| lenient::Text(text.to_owned()));
        Self {
            message,
            ..Self::default()
        }
    }

    fn of_member(json: &str) -> Option<Self> {
        match json.as_bytes().first()? {
            b'"' => {
                let message: Description = serde_json::from_str(json).ok()?;
                let code = is_code(&message.0).then(|| lenient::Text(message.0.clone()));
                Some(Self {
                    code,
                    message: Some(message),
                    ..Self::default()
                })
            }
            b'[' => {
                let list: Elements<Self, 1> = serde_json::from_str(json).ok()?;
                list.0.into_iter().next()
            }
            _ => serde_json::from_str(json).ok(),
        }
    }

    /// Returns whether it is an error object: with a code, a type, or a message by either name.
    pub(crate) fn is_known_form(&self) -> bool {
        self.code.is_some() || self.kind.is_some() || self.text().is_some()
    }

    /// Returns the message, by either name.
    fn text(&self) -> Option<&str> {
        let text = self.message.as_ref().or(self.msg.as_ref())?;
        Some(&text.0)
    }

    /// Returns the cause. Codes for which `is_secret` holds are left out.
    pub(crate) fn cause(&self, is_secret: impl Fn(&str) -> bool) -> Cause {
        let words = [&self.code, &self.kind];
        let mut words = words.into_iter().flatten().map(|word| word.0.as_str());
        let message = self.text().unwrap_or_default();
        let is_harmless = |text: &&str| !is_secret(text);
        let reason = words.clone().find_map(Reason::of_code);
        Cause {
            reason: reason.or_else(|| Reason::of_words(message)),
            code: words
                .find(|word| is_code(word) && !is_secret(word))
                .map(str::to_owned),
            parameter: self
                .parameter(message)
                .filter(is_harmless)
                .map(str::to_owned),
            resets_at: self.resets_at(),
            wait: wait::in_words(message),
        }
    }

    /// Returns the parameter at fault: a member, the end of a location, or the word after a colon.
    fn parameter<'a>(&'a self, message: &'a str) -> Option<&'a str> {
        let param = self.param.as_ref().map(|param| param.0.as_str());
        let place = self.loc.as_ref().and_then(|place| place.0.last());
        let named = message
            .split_once(": ")
            .map(|(_, rest)| rest.trim_matches(['\'', '.']));
        let candidates = [param, place.map(|place| place.0.as_str()), named];
        candidates.into_iter().flatten().find(|it| is_parameter(it))
    }

    fn resets_at(&self) -> Option<i64> {
        let at = self.resets_at.map(|at| at.0).filter(|at| *at > 0);
        at.or_else(|| {
            let wait = wait::seconds(self.resets_in_seconds?.0)?;
            let at = SystemTime::now().checked_add(wait)?;
            let since = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
            i64::try_from(since.as_secs()).ok()
        })
    }
}

impl Cause {
    /// Returns a cause for a known reason without an error object.
    pub(crate) fn of_reason(reason: Reason) -> Self {
        Self {
            reason: Some(reason),
            ..Self::default()
        }
    }

    /// Returns the text for users, if the reason is known.
    pub(crate) fn text(&self) -> Option<String> {
        let reason = self.reason?;
        let mut text = reason.text().to_owned();
        if let (Reason::UnsupportedParameter, Some(parameter)) = (reason, &self.parameter) {
            text.push_str(": ");
            text.push_str(parameter);
        }
        match (reason, self.resets_at.and_then(wait::moment)) {
            (Reason::UsageLimitReached, Some(moment)) => {
                text.push_str(" Try again at ");
                text.push_str(&moment);
                text.push('.');
            }
            (Reason::UsageLimitReached, None) => text.push_str(" Try again later."),
            _ => {}
        }
        if reason == Reason::RateLimited {
            text.push_str("; try again ");
            match self.wait {
                Some(wait) => {
                    text.push_str("in ");
                    text.push_str(&wait::in_text(wait));
                }
                None => text.push_str("later"),
            }
        }
        Some(text)
    }
}

/// Returns whether a text is a code, such as `unsupported_value`: not prose, and not shaped like a
/// secret.
pub(crate) fn is_code(text: &str) -> bool {
    text.len() <= MAX_CODE
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .split('_')
            .all(|word| (1..=24).contains(&word.len()) && is_lower(word))
}

fn is_lower(word: &str) -> bool {
    word.bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// Returns whether a text is the path of a parameter, such as `reasoning.effort`.
fn is_parameter(text: &str) -> bool {
    text.len() <= MAX_CODE && text.split('.').all(is_code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(body: &str) -> Cause {
        let details = ErrorDetails::parse(body).unwrap_or_default();
        details.cause(|text| text == "made_up_secret")
    }

    #[test]
    fn the_reason_is_found_in_every_form() {
        for (body, reason) in [
            (r#"{"error":{"code":"cyber_policy"}}"#, Reason::CyberPolicy),
            (r#"{"error":{"code":"bio_policy"}}"#, Reason::InvalidPrompt),
            (
                r#"{"error":{"code":"misalignment_policy_violation"}}"#,
                Reason::InvalidPrompt,
            ),
            (
                r#"{"error":{"type":"usage_limit_reached","code":null}}"#,
                Reason::UsageLimitReached,
            ),
            (r#"{"error":"insufficient_quota"}"#, Reason::QuotaExceeded),
            (
                r#"{"detail":{"code":"deactivated_workspace"}}"#,
                Reason::WorkspaceDeactivated,
            ),
            (
                r#"{"detail":"Unsupported parameter: top_p"}"#,
                Reason::UnsupportedParameter,
            ),
            (
                r#"{"detail":"The 'm' model requires a newer version of Codex. Please upgrade."}"#,
                Reason::ModelNeedsNewerVersion,
            ),
            (
                r#"{"detail":"The 'm' model is not supported when using Codex with a ChatGPT account."}"#,
                Reason::ModelNotIncluded,
            ),
            (
                r#"{"detail":"Workspace is not authorized in this region."}"#,
                Reason::RegionRefused,
            ),
            (
                r#"{"type":"error","code":"server_is_overloaded"}"#,
                Reason::Overloaded,
            ),
            (
                r#"{"error":{"message":"Model not found m","type":"invalid_request_error","code":null}}"#,
                Reason::ModelNotFound,
            ),
        ] {
            assert_eq!(cause(body).reason, Some(reason), "{body}");
        }
        assert_eq!(cause(r#"{"type":"error"}"#), Cause::default());
    }

    #[test]
    fn an_error_object_has_a_code_a_type_or_a_message_by_either_name() {
        for (body, is_known) in [
            (r#"{"error":{"code":"x"}}"#, true),
            (r#"{"error":{"type":"x"}}"#, true),
            (r#"{"error":{"message":"x"}}"#, true),
            (r#"{"detail":[{"msg":"x"}]}"#, true),
            (r#"{"error":{"param":"x"}}"#, false),
            (r#"{"other":1}"#, false),
        ] {
            let details = ErrorDetails::parse(body).unwrap();
            assert_eq!(details.is_known_form(), is_known, "{body}");
        }
    }

    #[test]
    fn unknown_codes_are_named_where_they_are_identifiers() {
        let code = |code: &str| cause(&format!(r#"{{"error":{{"code":"{code}"}}}}"#)).code;
        assert_eq!(
            code("unsupported_value").as_deref(),
            Some("unsupported_value")
        );
        for bad in [
            "Free text",
            "sk-made-up",
            "eyJ.made.up",
            "made_up_secret",
            "_",
            "a__b",
            "",
        ] {
            assert_eq!(code(bad), None, "{bad}");
        }
        assert_eq!(code(&"a".repeat(25)), None);
        let fields =
            r#"{"detail":[{"type":"missing","loc":["query","client_version"],"msg":"x"}]}"#;
        let fields = cause(fields);
        assert_eq!(fields.code.as_deref(), Some("missing"));
        assert_eq!(fields.parameter.as_deref(), Some("client_version"));
        let parameter = cause(r#"{"detail":"Unsupported parameter: top_p"}"#);
        assert_eq!(parameter.parameter.as_deref(), Some("top_p"));
        assert!(parameter.text().unwrap().ends_with(": top_p"));
    }

    #[test]
    fn ends_of_limits_are_reported() {
        let limit = cause(r#"{"error":{"type":"usage_limit_reached","resets_at":"1999999999"}}"#);
        assert!(
            limit
                .text()
                .unwrap()
                .contains("at Wed, 18 May 2033 03:33:19 GMT.")
        );
        let limit = cause(r#"{"error":{"type":"usage_limit_reached","resets_in_seconds":60.0}}"#);
        assert!(limit.resets_at.is_some());
        let short = cause(
            r#"{"error":{"code":"rate_limit_exceeded","message":"Please try again in 14.2s."}}"#,
        );
        assert_eq!(short.wait, Some(Duration::from_millis(14_200)));
        assert!(short.text().unwrap().ends_with("try again in 14.2 s"));
    }
}
