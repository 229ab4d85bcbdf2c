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

/// An error answer in the making.
#[derive(Debug)]
pub struct RequestError {
    code: i32,
    message: Cow<'static, str>,
    data: Option<ErrorData>,
}

impl RequestError {
    /// An error with a code of the caller's and a fixed text.
    #[must_use]
    pub fn new(code: i32, message: &'static str) -> Self {
        Self::plain(code, message)
    }

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
