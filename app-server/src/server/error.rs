//! Maps failures of the modules below to the error of a request.

use byokey_protocol::error::ErrorKind;
pub use byokey_rpc::RequestError;

use byokey_auth::login::StartFailure;
use byokey_auth::{InvalidCredential, LoginRefusal, OwnLoginFailure};

use crate::config::{BearerRefusal, ConfigurationInvalid};

/// A failure of `byokey-auth` with an error response.
pub(crate) trait Answered {
    /// Returns the error response.
    fn answered(self) -> RequestError;
}

impl Answered for LoginRefusal {
    fn answered(self) -> RequestError {
        match self {
            Self::Invalid(InvalidCredential::AccountId) => RequestError::invalid_params(
                "chatgptAccountId",
                "must be 1 to 128 printable ASCII characters",
            ),
            Self::Invalid(InvalidCredential::ApiKey) => RequestError::invalid_params(
                "apiKey",
                "must be visible ASCII characters, at least one",
            ),
            Self::Invalid(InvalidCredential::PersonalAccessToken) => RequestError::invalid_params(
                "accessToken",
                "must begin with `at-` and have only visible ASCII characters",
            ),
            Self::Invalid(InvalidCredential::BearerToken) => RequestError::invalid_params(
                "token",
                "must be printable ASCII characters, at least one",
            ),
            Self::Invalid(InvalidCredential::Expiry) => RequestError::invalid_params(
                "expiresAt",
                "must be in seconds since 1970, not in milliseconds",
            ),
            Self::Invalid(InvalidCredential::Label) => RequestError::invalid_params(
                "label",
                "must be 1 to 256 bytes without control characters",
            ),
            Self::Invalid(InvalidCredential::Quoted(token)) => RequestError::invalid_params(
                token.member(),
                "must not be in quotes; pass the text between them",
            ),
            Self::Invalid(InvalidCredential::WithScheme(token)) => RequestError::invalid_params(
                token.member(),
                "must not begin with `Bearer`; pass the text after it",
            ),
            Self::Invalid(invalid @ InvalidCredential::AccountsDiffer) => {
                RequestError::refused(invalid.kind(), invalid.to_string())
            }
            Self::Invalid(InvalidCredential::Token(token)) => RequestError::failed(
                format!("failed to set external auth: {token}"),
                ErrorKind::InvalidToken.into(),
            ),
            refusal => RequestError::refused(refusal.kind(), refusal.to_string()),
        }
    }
}

impl From<ConfigurationInvalid> for RequestError {
    fn from(invalid: ConfigurationInvalid) -> Self {
        Self::refused(ErrorKind::ConfigurationInvalid, invalid.to_string())
    }
}

impl Answered for BearerRefusal {
    fn answered(self) -> RequestError {
        match self {
            Self::NotAnOrigin => RequestError::invalid_params(
                "origin",
                "must be scheme, host and port, like https://api.example:8443, 300 bytes at most",
            ),
            refusal => RequestError::refused(refusal.kind(), refusal.to_string()),
        }
    }
}

impl Answered for OwnLoginFailure {
    fn answered(self) -> RequestError {
        match self {
            Self::Refused(refusal) => refusal.answered(),
            failure => RequestError::failed(failure.to_string(), failure.kind().into()),
        }
    }
}

impl Answered for StartFailure {
    fn answered(self) -> RequestError {
        match self {
            Self::Refused(refusal) => refusal.answered(),
            Self::DeviceLoginDisabled => RequestError::refused(self.kind(), self.to_string()),
            failure => RequestError::failed(failure.to_string(), failure.kind().into()),
        }
    }
}
