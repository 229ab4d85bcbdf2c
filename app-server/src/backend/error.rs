//! How calls fail.
//!
//! Texts name the status and the backend's request id, never its body: a backend that echoes a
//! bearer must not get it into the logs of hosts.

use std::time::Duration;

use byokey_http::{HttpFailure, Response};
use byokey_protocol::error::{ErrorData, ErrorKind};
use byokey_protocol::secret::Secret;
use http::StatusCode;
use memchr::memmem;
use serde::Deserialize;

use byokey_auth::{IssuerFailure, Lease, RecoveryFailure, is_identifier};

/// Most bytes of an error body that are looked at.
const MAX_ERROR_BODY: usize = 64 * 1024;
/// How long an error body may take to arrive.
const ERROR_BODY_DEADLINE: Duration = Duration::from_secs(2);

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// Nobody is signed in.
    #[error("nobody is signed in; send account/login/start first")]
    AuthRequired,
    /// Signed out while the call was under way.
    #[error("signed out while the request was under way")]
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
    /// The backend answered with an error.
    #[error("{0}")]
    Status(FailedStatus),
    /// No connection, or none that may be used.
    #[error("{}", .0.describe("the backend"))]
    Http(HttpFailure),
    /// No answer in time.
    #[error("the backend did not answer in time")]
    Timeout,
    /// The connection broke off.
    #[error("the connection to the backend broke off")]
    Interrupted,
    /// The answer has another shape.
    #[error("the backend's answer has an unexpected shape")]
    UnexpectedBody,
    /// A URL or header of the configuration is malformed.
    #[error("`{setting}` in the configuration is not usable")]
    Configuration {
        /// The setting.
        setting: &'static str,
    },
}

/// An answer that is an error.
#[derive(Debug)]
pub struct FailedStatus {
    /// The HTTP status.
    pub status: StatusCode,
    /// The backend's id of the request, if it passed as an identifier.
    pub request_id: Option<String>,
    /// What the body says, where it says something known.
    pub reason: Option<Reason>,
    /// When a usage limit ends, in Unix seconds.
    pub resets_at: Option<i64>,
}

/// What an error body says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The plan's usage limit is reached.
    UsageLimitReached,
    /// The plan does not include the use.
    UsageNotIncluded,
    /// The API account has nothing left to pay with.
    QuotaExceeded,
    /// The model is at capacity.
    Overloaded,
    /// The conversation is too long.
    ContextLengthExceeded,
}

impl Reason {
    /// Codex's words for it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::UsageLimitReached => "You’ve hit your usage limit. Try again later.",
            Self::UsageNotIncluded => {
                "To use Codex with your ChatGPT plan, upgrade to Plus: \
                 https://chatgpt.com/explore/plus."
            }
            Self::QuotaExceeded => "Quota exceeded. Check your plan and billing details.",
            Self::Overloaded => "Selected model is at capacity. Please try a different model.",
            Self::ContextLengthExceeded => {
                "Codex ran out of room in the model's context window. Start a new thread or \
                 clear earlier history before retrying."
            }
        }
    }
}

impl std::fmt::Display for FailedStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "unexpected status {}", self.status)?;
        if let Some(id) = &self.request_id {
            write!(f, ", request id: {id}")?;
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
    /// What hosts act on.
    #[must_use]
    pub fn data(&self) -> ErrorData {
        let kind = match self {
            Self::AuthRequired | Self::SignedOut => ErrorKind::AuthRequired,
            Self::AccountChanged => ErrorKind::AccountChanged,
            Self::Recovery(failure) => failure.kind(),
            Self::Status(failed) => return failed.data(),
            Self::Http(failure) => failure.kind(),
            Self::Timeout | Self::Interrupted => ErrorKind::Retryable,
            Self::UnexpectedBody | Self::Configuration { .. } => ErrorKind::BackendRefused,
        };
        kind.into()
    }

    /// Whether another attempt may help, without anybody changing anything.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            // What the host answered is its answer; to ask again at once would be to nag.
            Self::Recovery(failure) => matches!(
                failure,
                RecoveryFailure::Issuer(failure) if !matches!(failure, IssuerFailure::NotAsked { .. })
            ),
            Self::Http(failure) => failure.is_transient(),
            Self::Timeout | Self::Interrupted => true,
            Self::Status(failed) => failed.may_pass(),
            _ => false,
        }
    }
}

impl FailedStatus {
    fn data(&self) -> ErrorData {
        let kind = match (self.status, self.reason) {
            (StatusCode::UNAUTHORIZED, _) => ErrorKind::ReauthRequired,
            (_, Some(Reason::UsageLimitReached)) => ErrorKind::UsageLimitExceeded,
            _ if self.may_pass() || self.status == StatusCode::TOO_MANY_REQUESTS => {
                ErrorKind::Retryable
            }
            _ => ErrorKind::BackendRefused,
        };
        ErrorData {
            status: Some(self.status.as_u16()),
            request_id: self.request_id.clone(),
            ..kind.into()
        }
    }

    /// Whether another attempt may help. A 401 that is left after a refresh is final: each further
    /// attempt would ask for yet another token.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        self.reason.is_none()
            && !matches!(
                self.status,
                StatusCode::BAD_REQUEST
                    | StatusCode::UNAUTHORIZED
                    | StatusCode::FORBIDDEN
                    | StatusCode::TOO_MANY_REQUESTS
            )
            && !self.status.is_redirection()
    }
}

/// Lets a successful answer through; makes any other an error.
///
/// The lease is the one that the call was made under: what the answer repeats of its bearer is
/// not told on. It ends before the body is waited for.
pub(crate) async fn successful(
    response: Response,
    lease: Option<Lease>,
) -> Result<Response, BackendError> {
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status();
    let is_harmless = |id: &&str| {
        let bearer = lease.as_ref().map(|lease| lease.credential.bearer());
        is_identifier(id) && !bearer.is_some_and(|bearer| shows(id, bearer))
    };
    let request_id = ["x-request-id", "x-oai-request-id", "cf-ray"]
        .iter()
        .find_map(|name| response.headers().get(*name)?.to_str().ok())
        .filter(is_harmless)
        .map(str::to_owned);
    drop(lease);
    let body = tokio::time::timeout(ERROR_BODY_DEADLINE, read_some(response)).await;
    let (reason, resets_at) = body.map_or((None, None), |body| reason_of(status, &body));
    Err(BackendError::Status(FailedStatus {
        status,
        request_id,
        reason,
        resets_at,
    }))
}

/// Whether a text shows a piece of the secret: a backend may send back what it was sent.
fn shows(text: &str, secret: &Secret) -> bool {
    const PIECE: usize = 8;
    let mut pieces = text.as_bytes().windows(PIECE);
    // EXPOSE: compared, and kept nowhere.
    pieces.any(|piece| memmem::find(secret.expose().as_bytes(), piece).is_some())
}

async fn read_some(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ERROR_BODY {
            body.clear();
            break;
        }
    }
    body
}

#[derive(Deserialize)]
struct ErrorBody {
    error: ErrorDetails,
}

/// The error object of the API, in answers and in streams.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ErrorDetails {
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    resets_at: Option<i64>,
}

impl ErrorDetails {
    pub(crate) fn reason(&self) -> Option<Reason> {
        [&self.kind, &self.code]
            .into_iter()
            .flatten()
            .find_map(|word| match word.as_str() {
                "usage_limit_reached" => Some(Reason::UsageLimitReached),
                "usage_not_included" => Some(Reason::UsageNotIncluded),
                "insufficient_quota" => Some(Reason::QuotaExceeded),
                "server_is_overloaded" | "slow_down" => Some(Reason::Overloaded),
                "context_length_exceeded" => Some(Reason::ContextLengthExceeded),
                _ => None,
            })
    }

    /// `rate_limit_exceeded`, which only streams tell this way.
    pub(crate) fn is_rate_limit(&self) -> bool {
        self.code.as_deref() == Some("rate_limit_exceeded")
    }
}

fn reason_of(status: StatusCode, body: &[u8]) -> (Option<Reason>, Option<i64>) {
    let Ok(body) = serde_json::from_slice::<ErrorBody>(body) else {
        return (None, None);
    };
    let reason = body.error.reason().filter(|reason| match reason {
        Reason::Overloaded => status == StatusCode::SERVICE_UNAVAILABLE,
        _ => true,
    });
    (reason, body.error.resets_at)
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
