//! The error that a request is answered with, from what the parts below fail with.

use byokey_protocol::error::ErrorKind;
pub use byokey_rpc::RequestError;

use crate::auth::{InvalidCredential, LoginRefusal, SignInFailure};
use crate::login::StartFailure;

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
            LoginRefusal::Invalid(InvalidCredential::Quoted(token)) => Self::invalid_params(
                token.member(),
                "must not be in quotes; hand over what is between them",
            ),
            LoginRefusal::Invalid(InvalidCredential::WithScheme(token)) => Self::invalid_params(
                token.member(),
                "must not begin with `Bearer`; hand over what stands behind it",
            ),
            LoginRefusal::Invalid(invalid @ InvalidCredential::AccountsDiffer) => {
                Self::refused(invalid.kind(), invalid.to_string())
            }
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
