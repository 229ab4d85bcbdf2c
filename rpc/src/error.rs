//! The error that a request is answered with.
//!
//! Texts are fixed words, codex's where codex has one, or built from fixed words and identifiers
//! that passed a check. No text of a library, of the backend or of the peer goes through.

use std::borrow::Cow;

use byokey_protocol::error::{
    ErrorData, ErrorKind, INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND,
    OVERLOADED, PARSE_ERROR, REQUEST_CANCELLED,
};
use jsonrpsee_types::ErrorObjectOwned;

use crate::auth::{InvalidCredential, LoginRefusal, SignInFailure};
use crate::login::StartFailure;

/// An error answer in the making.
#[derive(Debug)]
pub struct RequestError {
    code: i32,
    message: Cow<'static, str>,
    data: Option<ErrorData>,
}

impl RequestError {
    /// The text was not JSON.
    #[must_use]
    pub fn parse() -> Self {
        Self::plain(PARSE_ERROR, "Parse error: the text is not JSON")
    }

    /// A rule forbids the request.
    pub fn refused(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code: INVALID_REQUEST,
            message: message.into(),
            data: Some(kind.into()),
        }
    }

    /// The text is no message.
    pub fn invalid_request(problem: &str) -> Self {
        Self::plain(INVALID_REQUEST, format!("Invalid request: {problem}"))
    }

    /// The message is longer than the limit.
    #[must_use]
    pub fn message_too_long() -> Self {
        Self::refused(
            ErrorKind::MessageTooLong,
            "Invalid request: the message is too long; see --max-message-bytes",
        )
    }

    /// There is no such method.
    #[must_use]
    pub fn unknown_method() -> Self {
        Self::plain(METHOD_NOT_FOUND, "Method not found")
    }

    /// The parameters have another shape. `path` names members of the protocol, never a value.
    pub fn invalid_params(path: impl Into<String>, problem: &str) -> Self {
        let path = path.into();
        let place = if path.is_empty() {
            "params"
        } else {
            path.as_str()
        };
        Self {
            code: INVALID_PARAMS,
            message: format!("Invalid params: `{place}` {problem}").into(),
            data: Some(ErrorData {
                path: Some(path),
                ..ErrorKind::InvalidParams.into()
            }),
        }
    }

    /// The request was cancelled.
    #[must_use]
    pub fn cancelled() -> Self {
        let data = Some(ErrorKind::Cancelled.into());
        Self {
            code: REQUEST_CANCELLED,
            message: "Request cancelled".into(),
            data,
        }
    }

    /// The connection ends before the answer is there.
    #[must_use]
    pub fn connection_ends() -> Self {
        let message = "Request cancelled: the connection ends before the answer is there".into();
        Self {
            message,
            ..Self::cancelled()
        }
    }

    /// The peer has too many requests in flight.
    #[must_use]
    pub fn overloaded() -> Self {
        let data = Some(ErrorKind::Overloaded.into());
        Self {
            code: OVERLOADED,
            message: "Server overloaded; retry later.".into(),
            data,
        }
    }

    /// A fault of this program.
    #[must_use]
    pub fn internal() -> Self {
        Self::plain(
            INTERNAL_ERROR,
            "Internal error; see the server's standard error for the place",
        )
    }

    /// The backend or the credential failed.
    pub fn failed(message: impl Into<Cow<'static, str>>, data: ErrorData) -> Self {
        Self {
            code: INTERNAL_ERROR,
            message: message.into(),
            data: Some(data),
        }
    }

    fn plain(code: i32, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
        }
    }

    /// The object that goes on the wire.
    #[must_use]
    pub fn into_object(self) -> ErrorObjectOwned {
        ErrorObjectOwned::owned(self.code, self.message, self.data)
    }
}

impl From<LoginRefusal> for RequestError {
    fn from(refusal: LoginRefusal) -> Self {
        match refusal {
            LoginRefusal::Invalid(InvalidCredential::AccountId) => Self::invalid_params(
                "chatgptAccountId",
                "must be 1 to 128 printable ASCII characters",
            ),
            LoginRefusal::Invalid(InvalidCredential::ApiKey) => {
                Self::invalid_params("apiKey", "must be visible ASCII characters, at least one")
            }
            LoginRefusal::Invalid(InvalidCredential::PersonalAccessToken) => Self::invalid_params(
                "accessToken",
                "must begin with `at-` and have only visible ASCII characters",
            ),
            LoginRefusal::Invalid(InvalidCredential::Token(token)) => Self::failed(
                format!("failed to set external auth: {token}"),
                ErrorKind::InvalidToken.into(),
            ),
            refusal => Self::refused(refusal.kind(), refusal.to_string()),
        }
    }
}

impl From<SignInFailure> for RequestError {
    fn from(failure: SignInFailure) -> Self {
        match failure {
            SignInFailure::Refused(refusal) => refusal.into(),
            failure => Self::failed(failure.to_string(), failure.kind().into()),
        }
    }
}

impl From<StartFailure> for RequestError {
    fn from(failure: StartFailure) -> Self {
        match failure {
            StartFailure::Refused(refusal) => refusal.into(),
            StartFailure::DeviceLoginDisabled => Self::refused(failure.kind(), failure.to_string()),
            failure => Self::failed(failure.to_string(), failure.kind().into()),
        }
    }
}
