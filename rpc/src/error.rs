//! The error response of a request.
//!
//! Texts are fixed strings (codex's where codex has one), or are built from fixed strings and
//! validated identifiers. No text of a library, of the backend or of the peer is included.

use std::borrow::Cow;

use byokey_protocol::error::{
    ErrorData, ErrorKind, INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND,
    OVERLOADED, PARSE_ERROR, REQUEST_CANCELLED,
};
use jsonrpsee_types::ErrorObjectOwned;

/// A JSON-RPC error response under construction.
#[derive(Debug)]
pub struct RequestError {
    code: i32,
    message: Cow<'static, str>,
    data: Option<ErrorData>,
}

impl RequestError {
    /// Returns an error with the caller's code and a fixed text.
    #[must_use]
    pub fn new(code: i32, message: &'static str) -> Self {
        Self::plain(code, message)
    }

    /// Returns the error for input that is not JSON.
    #[must_use]
    pub fn parse() -> Self {
        Self::plain(PARSE_ERROR, "Parse error: the text is not JSON")
    }

    /// Returns the error for a request that a rule forbids.
    pub fn refused(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code: INVALID_REQUEST,
            message: message.into(),
            data: Some(kind.into()),
        }
    }

    /// Returns the error for JSON that is not a JSON-RPC message.
    pub fn invalid_request(problem: &str) -> Self {
        Self::plain(INVALID_REQUEST, format!("Invalid request: {problem}"))
    }

    /// Returns the error for a message longer than the limit.
    #[must_use]
    pub fn message_too_long() -> Self {
        Self::refused(
            ErrorKind::MessageTooLong,
            "Invalid request: the message is too long; see --max-message-bytes",
        )
    }

    /// Returns the error for a method that does not exist.
    #[must_use]
    pub fn unknown_method() -> Self {
        Self::plain(METHOD_NOT_FOUND, "Method not found")
    }

    /// Returns the same error with the name of the method, and of the one that was probably meant.
    /// The name must have been checked to be an identifier.
    #[must_use]
    pub fn unknown_method_named(method: &str, meant: Option<&str>) -> Self {
        let meant = meant.map(|meant| format!("; did you mean {meant}?"));
        let message = format!("Method not found: {method}{}", meant.unwrap_or_default());
        Self::plain(METHOD_NOT_FOUND, message)
    }

    /// Returns the error for invalid parameters. `path` names members of the protocol, never a
    /// value.
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

    /// Returns the error for a cancelled request.
    #[must_use]
    pub fn cancelled() -> Self {
        let data = Some(ErrorKind::Cancelled.into());
        Self {
            code: REQUEST_CANCELLED,
            message: "Request cancelled".into(),
            data,
        }
    }

    /// Returns the error for a request that is open when the connection ends.
    #[must_use]
    pub fn connection_ends() -> Self {
        let message = "Request cancelled: the connection ends before the answer is there".into();
        Self {
            message,
            ..Self::cancelled()
        }
    }

    /// Returns the error for a request over the limit of requests in flight.
    #[must_use]
    pub fn overloaded() -> Self {
        let data = Some(ErrorKind::Overloaded.into());
        Self {
            code: OVERLOADED,
            message: "Server overloaded; retry later.".into(),
            data,
        }
    }

    /// Returns the error for a message that was given up because the connections of the listener
    /// buffer too much together.
    #[must_use]
    pub fn buffers_full() -> Self {
        let message = "Server overloaded: its clients have too much unfinished or unread at once; send \
                       the message again later";
        Self {
            message: message.into(),
            ..Self::overloaded()
        }
    }

    /// Returns the error for a fault of this program.
    #[must_use]
    pub fn internal() -> Self {
        Self::plain(
            INTERNAL_ERROR,
            "Internal error; see the server's standard error for the place",
        )
    }

    /// Returns the error for a failure of the backend or the credential.
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

    /// Converts it to the error object that is sent.
    #[must_use]
    pub fn into_object(self) -> ErrorObjectOwned {
        ErrorObjectOwned::owned(self.code, self.message, self.data)
    }
}
