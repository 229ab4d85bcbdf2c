//! How a request to the peer fails.

use std::borrow::Cow;
use std::time::Duration;

use byokey_protocol::error::INTERNAL_ERROR;
use jsonrpsee_types::ErrorObjectOwned;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Why a request to the peer failed. `E` is what is parsed of the peer's error object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestFailure<E = ErrorCode> {
    /// The peer answered with an error.
    #[error("the peer answered with an error")]
    Refused(E),
    /// The result does not have the expected type.
    #[error("the peer's answer does not match the protocol")]
    AnswerInvalid,
    /// The connection ended, or the peer can send no more answers.
    #[error("the connection ended before the peer answered")]
    Gone,
    /// The peer did not answer in time.
    #[error("the peer did not answer within {} ms", after.as_millis())]
    TimedOut {
        /// The deadline that passed.
        after: Duration,
    },
}

/// Parses an error object of the peer.
pub trait AnswerError: Send + 'static {
    /// Parses it leniently: anything that the peer sends counts as an error.
    fn read(error: &RawValue) -> Self;
}

/// The code of an error object. Its texts are not read: they may contain a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCode(pub i64);

/// The texts of an error object, each optional and of any type.
#[derive(Deserialize)]
struct Texts<'a> {
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

impl AnswerError for ErrorCode {
    fn read(error: &RawValue) -> Self {
        Self(code(error).unwrap_or_default())
    }
}

fn code(error: &RawValue) -> Option<i64> {
    #[derive(Deserialize)]
    struct Code {
        #[serde(default)]
        code: Option<serde_json::Number>,
    }
    let error = serde_json::from_str::<Code>(error.get()).ok()?;
    error.code?.as_i64()
}

impl AnswerError for ErrorObjectOwned {
    fn read(error: &RawValue) -> Self {
        let code = code(error).map_or(INTERNAL_ERROR, |code| {
            i32::try_from(code).unwrap_or(if code < 0 { i32::MIN } else { i32::MAX })
        });
        let members = serde_json::from_str::<Texts<'_>>(error.get()).ok();
        let (message, data) = members.map_or((None, None), |it| (it.message, it.data));
        let message = message.and_then(|it| serde_json::from_str::<Cow<'_, str>>(it.get()).ok());
        Self::owned(code, message.unwrap_or_default(), data)
    }
}

#[cfg(test)]
mod tests {
    use jsonrpsee_types::ErrorObjectOwned;
    use serde_json::value::RawValue;

    use super::{AnswerError as _, ErrorCode};

    #[test]
    fn error_objects_are_read_whatever_their_shape() {
        for (text, code, message, data) in [
            (
                r#"{"code":-32001,"message":"m\n","data":{"a":1}}"#,
                -32001,
                "m\n",
                Some(r#"{"a":1}"#),
            ),
            (
                r#"{"code":1,"message":2,"data":null,"more":3}"#,
                1,
                "",
                None,
            ),
            (r#"{"code":1.5,"message":"m"}"#, 0, "m", None),
            (
                r#"{"code":-9999999999,"data":0}"#,
                -9_999_999_999,
                "",
                Some("0"),
            ),
            (r#""text""#, 0, "", None),
            ("[]", 0, "", None),
        ] {
            let raw = RawValue::from_string(text.to_owned()).unwrap();
            assert_eq!(ErrorCode::read(&raw), ErrorCode(code), "{text}");
            let object = ErrorObjectOwned::read(&raw);
            let expected = match code {
                0 => -32603,
                code => code.clamp(i32::MIN.into(), i32::MAX.into()),
            };
            assert_eq!(i64::from(object.code()), expected, "{text}");
            assert_eq!(object.message(), message, "{text}");
            assert_eq!(object.data().map(RawValue::get), data, "{text}");
        }
    }
}
