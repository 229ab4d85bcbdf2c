//! Failures of calls.
//!
//! Texts are ours, with the status, the backend's request id and codes that are identifiers, never
//! with text of its body: a bearer that the backend echoes must not reach the logs of hosts.

use byokey_http::{HttpFailure, Response};
use byokey_protocol::error::{ErrorData, ErrorKind};
use byokey_protocol::limits::RateLimitSnapshot;
use byokey_protocol::secret::Secret;
use http::StatusCode;
use memchr::memmem;

use super::body;
use super::details::{Cause, ErrorDetails, is_code};
use super::limits::{ERROR_BODY_DEADLINE, Limit};
use super::outcome;
use super::rate_limits::from_headers;
use super::reason::Reason;
use super::room::Part;
use super::{RoutingFailure, wait};
use crate::config::{BearerRefusal, ConfigurationInvalid, MissingKey};
use crate::process::token_commands::TokenCommandFailure;
use byokey_auth::{Lease, RecoveryFailure, is_identifier};

/// Why a call failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BackendError {
    /// No credential is in force.
    #[error("no credential is in force; send account/login/start first")]
    AuthRequired,
    /// The user logged out while the call was in progress.
    #[error("signed out while the request was in progress")]
    SignedOut,
    /// The conversation belongs to another account than the one in force.
    #[error(
        "another connection signed in with another account; a conversation is not continued under \
         it: sign in with the account that the thread began with, or start a new thread"
    )]
    AccountChanged,
    /// The credential was refused and not renewed.
    #[error("{0}")]
    Recovery(RecoveryFailure),
    /// The backend answered with an error status.
    #[error("{0}")]
    Status(Box<FailedStatus>),
    /// No connection, or none that is allowed.
    #[error("{}", .0.describe("the backend"))]
    Http(HttpFailure),
    /// No answer in time.
    #[error("the backend did not answer in time")]
    Timeout,
    /// The connection was interrupted.
    #[error("the connection to the backend broke off")]
    Interrupted,
    /// The response does not have the expected type.
    #[error("the backend's answer has an unexpected format")]
    UnexpectedBody,
    /// No model is available.
    #[error("the backend lists no model; name one with `model` in config.toml or in thread/start")]
    NoModel,
    /// The response exceeds a limit.
    #[error(transparent)]
    Limit(#[from] Limit),
    /// The configuration stops the call.
    #[error(transparent)]
    Invalid(#[from] ConfigurationInvalid),
    /// The provider has its own credential, which is missing.
    #[error(transparent)]
    MissingKey(#[from] MissingKey),
    /// The command that prints the provider's own credential brought none.
    #[error(transparent)]
    TokenCommand(#[from] TokenCommandFailure),
    /// The bearer token in force is not for the selected provider.
    #[error(transparent)]
    Recipient(#[from] BearerRefusal),
    /// The workspace is bound to a region, and where its model calls go is not known.
    #[error(
        "the workspace is bound to a region, and where its model calls go is not known: {0}; \
         nothing was sent; try again in a minute, or sign in again"
    )]
    Workspace(RoutingFailure),
    /// A URL or header of the configuration is malformed.
    #[error("`{setting}` in the configuration is not usable")]
    Configuration {
        /// The setting.
        setting: &'static str,
    },
}

/// A response with an error status.
#[derive(Clone, Debug)]
pub struct FailedStatus {
    /// The HTTP status.
    pub status: StatusCode,
    /// The backend's request id, if it is a valid identifier.
    pub request_id: Option<String>,
    /// The edge's request id, if it is a valid identifier.
    pub ray: Option<String>,
    /// The cause according to the response.
    pub cause: Cause,
    /// Whether the body is empty.
    pub is_empty: bool,
    /// The rate limits in its headers.
    pub limits: Vec<RateLimitSnapshot>,
    /// Whether it contains a cookie that may make the edge admit the next request.
    pub(crate) brings_cookie: bool,
    /// The answer as it came, where it was asked for and shows nothing of the bearer.
    #[cfg(feature = "gateway")]
    pub(crate) answer: Option<Box<RefusalAnswer>>,
}

/// A refusal as the backend wrote it.
#[cfg(feature = "gateway")]
#[derive(Clone, Debug)]
pub(crate) struct RefusalAnswer {
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: bytes::Bytes,
}

impl std::fmt::Display for FailedStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.cause.text(), &self.cause.code) {
            (Some(text), _) => write!(f, "{text} (status {}", self.status)?,
            (None, Some(code)) => write!(f, "unexpected status {}: {code}", self.status)?,
            (None, None) => write!(f, "unexpected status {}", self.status)?,
        }
        if let (None, Some(_), Some(parameter)) =
            (self.cause.reason, &self.cause.code, &self.cause.parameter)
        {
            write!(f, " ({parameter})")?;
        }
        if let Some(id) = &self.request_id {
            write!(f, ", request id: {id}")?;
        }
        if let (Some(Reason::Challenged), Some(ray)) = (self.cause.reason, &self.ray) {
            write!(f, ", cf-ray: {ray}")?;
        }
        if self.cause.reason.is_some() {
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl From<HttpFailure> for BackendError {
    fn from(failure: HttpFailure) -> Self {
        match failure {
            HttpFailure::Timeout => Self::Timeout,
            HttpFailure::Interrupted => Self::Interrupted,
            failure => Self::Http(failure),
        }
    }
}

impl BackendError {
    /// Returns the error data for hosts.
    #[must_use]
    pub fn data(&self) -> ErrorData {
        let kind = match self {
            Self::AuthRequired | Self::SignedOut => ErrorKind::AuthRequired,
            Self::AccountChanged => ErrorKind::AccountChanged,
            Self::Recovery(failure) => failure.kind(),
            Self::Status(failed) => return failed.data(),
            Self::Http(failure) => failure.kind(),
            Self::Recipient(refusal) => refusal.kind(),
            Self::Workspace(_) => ErrorKind::WorkspaceRoutingUnavailable,
            Self::TokenCommand(failure) => failure.kind(),
            Self::Timeout | Self::Interrupted => ErrorKind::Retryable,
            Self::Limit(limit) => limit.kind(),
            Self::UnexpectedBody | Self::NoModel => ErrorKind::BackendRefused,
            Self::Invalid(_) | Self::MissingKey(_) | Self::Configuration { .. } => {
                ErrorKind::ConfigurationInvalid
            }
        };
        kind.into()
    }
}

impl BackendError {
    /// Records whether the response contains a cookie.
    pub(crate) fn with_cookie(mut self, brings_cookie: bool) -> Self {
        if let Self::Status(failed) = &mut self {
            failed.brings_cookie = brings_cookie;
        }
        self
    }

    /// Returns whether the edge refused the request, and set a cookie for another attempt.
    pub(crate) fn is_answered_by_a_cookie(&self) -> bool {
        let challenged = Some(Reason::Challenged);
        matches!(self, Self::Status(it) if it.brings_cookie && it.cause.reason == challenged)
    }
}

impl FailedStatus {
    /// Returns a failure with only a status.
    pub(crate) fn of(status: StatusCode) -> Self {
        Self {
            status,
            request_id: None,
            ray: None,
            cause: Cause::default(),
            is_empty: false,
            limits: Vec::new(),
            brings_cookie: false,
            #[cfg(feature = "gateway")]
            answer: None,
        }
    }

    fn data(&self) -> ErrorData {
        let kind = match (self.cause.reason, self.status) {
            (Some(reason), _) => reason.kind(),
            (None, StatusCode::UNAUTHORIZED) => ErrorKind::ReauthRequired,
            _ if outcome::after_status(self).is_again() => ErrorKind::Retryable,
            _ => ErrorKind::BackendRefused,
        };
        ErrorData {
            status: Some(self.status.as_u16()),
            request_id: self.request_id.clone(),
            ..kind.into()
        }
    }

    /// Returns whether the backend rejected the bearer. A region, a country, a challenge or a plan
    /// is not the token's fault, and another token does not help.
    pub(crate) fn is_about_the_token(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
            && !self.cause.reason.is_some_and(Reason::clears_the_token)
    }
}

/// Passes a successful response through, and turns any other into an error with the cause in its
/// head and body; `keeps` asks for the answer itself as well. No part of the bearer is repeated.
pub(crate) async fn successful(
    response: Response,
    room: Part,
    lease: Option<&Lease>,
    own_bearer: Option<&Secret>,
    #[cfg_attr(
        not(feature = "gateway"),
        expect(unused_variables, reason = "only for the gateway")
    )]
    keeps: bool,
) -> Result<Response, BackendError> {
    if response.status().is_success() {
        return Ok(response);
    }
    let bearer = lease.map(|lease| lease.credential.bearer());
    let secrets = [bearer, own_bearer];
    let is_secret = |text: &str| secrets.iter().flatten().any(|secret| shows(text, secret));
    let header = |name: &str| response.headers().get(name)?.to_str().ok();
    let identifier = |name: &str| {
        let id = header(name).filter(|id| is_identifier(id) && !is_secret(id));
        id.map(str::to_owned)
    };
    let status = response.status();
    let ray = identifier("cf-ray");
    let mut failed = FailedStatus {
        request_id: ["x-request-id", "x-oai-request-id"]
            .into_iter()
            .find_map(identifier)
            .or_else(|| ray.clone()),
        ray,
        limits: from_headers(response.headers()),
        ..FailedStatus::of(status)
    };
    let is_html = header("content-type").is_some_and(|it| it.starts_with("text/html"));
    let is_challenge = header("cf-mitigated").is_some();
    // The backend's edge repeats the body's error code here.
    let code = header("x-openai-ide-error-code").map(str::to_owned);
    let wait = wait::in_headers(response.headers());
    #[cfg(feature = "gateway")]
    // A compressed body cannot be searched for the bearer.
    let head = (keeps && header("content-encoding").is_none())
        .then(|| without_secrets(response.headers(), is_secret));
    let body = tokio::time::timeout(ERROR_BODY_DEADLINE, body::some(response, room)).await;
    let body = body.ok().flatten();
    failed.is_empty = body.as_ref().is_some_and(|body| body.is_empty());
    let text = body
        .as_deref()
        .map(String::from_utf8_lossy)
        .unwrap_or_default();
    let is_page = is_html || text.trim_start().starts_with('<');
    failed.cause = if is_challenge || status == StatusCode::FORBIDDEN && is_page {
        Cause::of_reason(Reason::Challenged)
    } else {
        cause_of(status, &text, code.as_deref(), is_secret)
    };
    failed.cause.wait = wait.or(failed.cause.wait);
    #[cfg(feature = "gateway")]
    if let (Some(headers), false) = (head, is_secret(&text)) {
        drop(text);
        let body = body.map(body::Held::into_bytes);
        failed.answer = body.map(|body| Box::new(RefusalAnswer { headers, body }));
    }
    Err(BackendError::Status(Box::new(failed)))
}

#[cfg(feature = "gateway")]
fn without_secrets(headers: &http::HeaderMap, is_secret: impl Fn(&str) -> bool) -> http::HeaderMap {
    let is_harmless = |value: &http::HeaderValue| value.to_str().is_ok_and(|text| !is_secret(text));
    let harmless = headers.iter().filter(|(_, value)| is_harmless(value));
    harmless
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn cause_of(
    status: StatusCode,
    body: &str,
    code: Option<&str>,
    is_secret: impl Fn(&str) -> bool,
) -> Cause {
    let details = ErrorDetails::parse(body).unwrap_or_else(|| ErrorDetails::of_words(body));
    let mut cause = details.cause(&is_secret);
    if let Some(code) = code {
        cause.reason = cause.reason.or_else(|| Reason::of_code(code));
        let harmless = Some(code).filter(|code| is_code(code) && !is_secret(code));
        cause.code = cause.code.or_else(|| harmless.map(str::to_owned));
    }
    cause.reason = match (cause.reason, status) {
        // From other backends it does not mean an overloaded model.
        (Some(Reason::Overloaded), status) if !status.is_server_error() => None,
        (None, StatusCode::PAYLOAD_TOO_LARGE) => Some(Reason::TooLarge),
        (reason, _) => reason,
    };
    cause
}

/// Returns whether a text contains a part of the secret: a backend may echo what it received.
pub(crate) fn shows(text: &str, secret: &Secret) -> bool {
    const PIECE: usize = 8;
    // EXPOSE: compared, not stored.
    let secret = secret.expose().as_bytes();
    let mut pieces = text.as_bytes().windows(PIECE.min(secret.len().max(1)));
    pieces.any(|piece| memmem::find(secret, piece).is_some())
}

#[cfg(test)]
mod tests {
    use byokey_protocol::secret::Secret;

    use super::shows;

    #[test]
    fn an_id_that_shows_a_piece_of_the_bearer_is_found() {
        let bearer = Secret::from("e30.e30.made-up-signature");
        assert!(shows("made-up-signature", &bearer));
        assert!(shows("id-made-up-sig", &bearer));
        assert!(!shows("5bbf0a51-made-up", &bearer));
    }
}
