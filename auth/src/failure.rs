//! Why a login is refused, and why a refused credential was not recovered.
//!
//! The texts are codex's where codex has one. They hold no value of the peer, except account ids
//! that passed as identifiers.

use std::time::Duration;

use byokey_protocol::error::ErrorKind;

use super::credential::InvalidCredential;
use super::issuer::IssuerFailure;
use super::permanent::PermanentFailure;
use super::store::StoreFailure;

/// Why a login is refused. The credential in force stays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginRefusal {
    /// The host owns the login.
    #[error(
        "External auth is active. Use account/login/start (chatgptAuthTokens) to update it or \
         account/logout to clear it."
    )]
    ExternalAuthActive,
    /// The configuration wants ChatGPT accounts.
    #[error("API key login is disabled. Use ChatGPT login instead.")]
    ApiKeyDisabled,
    /// The configuration wants API keys.
    #[error("ChatGPT login is disabled. Use API key login instead.")]
    ChatgptDisabled,
    /// The configuration wants API keys.
    #[error("External ChatGPT auth is disabled. Use API key login instead.")]
    ExternalDisabled,
    /// The workspace is not allowed.
    #[error("External auth must use one of workspace(s) {allowed:?}, but received {received:?}.")]
    Workspace {
        /// The workspace of the tokens.
        received: String,
        /// The workspaces of the configuration.
        allowed: Vec<String>,
    },
    /// The account of a login of ours is not in an allowed workspace.
    #[error("Login is restricted to workspace id(s) {}.", allowed.join(", "))]
    Restricted {
        /// The workspaces of the configuration.
        allowed: Vec<String>,
    },
    /// A login of ours does not tell its workspace, and only some are allowed.
    #[error(
        "Login is restricted to a specific workspace, but the token did not include an \
         chatgpt_account_id claim."
    )]
    NoWorkspace,
    /// The configuration wants API keys.
    #[error("Access token login is disabled. Use API key login instead.")]
    AccessTokenDisabled,
    /// Somebody else signed in or out while this login was under way.
    #[error("account changed before sign-in completed")]
    Overtaken,
    /// The credential could not be sent.
    #[error(transparent)]
    Invalid(#[from] InvalidCredential),
}

impl LoginRefusal {
    /// What hosts act on.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::ExternalAuthActive => ErrorKind::ExternalAuthActive,
            Self::ApiKeyDisabled
            | Self::ChatgptDisabled
            | Self::ExternalDisabled
            | Self::AccessTokenDisabled => ErrorKind::LoginDisabled,
            Self::Workspace { .. } | Self::Restricted { .. } | Self::NoWorkspace => {
                ErrorKind::WorkspaceMismatch
            }
            Self::Overtaken => ErrorKind::LoginFailed,
            Self::Invalid(invalid) => invalid.kind(),
        }
    }
}

impl InvalidCredential {
    /// What hosts act on.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::AccountsDiffer => ErrorKind::WorkspaceMismatch,
            _ => ErrorKind::InvalidToken,
        }
    }
}

/// Why a login that this program runs came to nothing. The credential in force stays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInFailure {
    /// A rule forbids it.
    #[error(transparent)]
    Refused(#[from] LoginRefusal),
    /// The issuer did not do its part.
    #[error("{doing}: {failure}")]
    Issuer {
        /// What was under way.
        doing: &'static str,
        /// Why it failed.
        failure: IssuerFailure,
    },
    /// The store did not take the credential.
    #[error("Sign-in completed but credentials could not be saved locally: {0}")]
    Store(#[from] StoreFailure),
}

impl SignInFailure {
    /// What hosts act on.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused(refusal) => refusal.kind(),
            Self::Issuer { failure, .. } => failure.kind(),
            Self::Store(_) => ErrorKind::StoreFailed,
        }
    }
}

impl IssuerFailure {
    /// What hosts act on.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Permanent(_) => ErrorKind::ReauthRequired,
            Self::Unreachable { kind, .. } | Self::NotAsked { kind, .. } => *kind,
            Self::Status(_) | Self::Refused(_) | Self::UnexpectedAnswer | Self::Unusable { .. } => {
                ErrorKind::LoginFailed
            }
        }
    }
}

/// Why no newer credential could be had after a 401. The credential in force stays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryFailure {
    /// An API key cannot be renewed.
    #[error("the credential cannot be renewed; sign in again")]
    NotRefreshable,
    /// Nobody is signed in any more.
    #[error("external auth is not configured")]
    SignedOut,
    /// The host answered with an error.
    #[error("auth refresh request failed: code={code}")]
    HostRefused {
        /// The code of the host's error.
        code: i64,
    },
    /// The host did not answer in time.
    #[error("auth refresh request timed out after {}s", after.as_secs_f32())]
    HostTimeout {
        /// How long it had.
        after: Duration,
    },
    /// There is no host to ask.
    #[error("auth refresh request canceled: no host is connected")]
    HostGone,
    /// The host's answer has another shape.
    #[error("invalid auth refresh response")]
    AnswerInvalid,
    /// The host's tokens could not be sent.
    #[error("auth refresh returned invalid credentials")]
    Invalid(#[from] InvalidCredential),
    /// The host's tokens are for a workspace that is not allowed.
    #[error("external auth refresh returned workspace {received:?}, expected one of {allowed:?}")]
    Workspace {
        /// The workspace of the tokens.
        received: String,
        /// The workspaces of the configuration.
        allowed: Vec<String>,
    },
    /// The host's tokens are for another account, and the configuration forbids that.
    #[error("external auth refresh returned workspace {received:?}, expected {expected:?}")]
    OtherAccount {
        /// The account of the tokens.
        received: String,
        /// The account in force.
        expected: String,
    },
    /// The host's tokens are for another person in the same workspace, who may not stand in.
    #[error("external auth refresh returned tokens of another person in workspace {workspace:?}")]
    OtherPerson {
        /// The workspace of both.
        workspace: String,
    },
    /// The issuer will never renew the login.
    #[error(transparent)]
    Permanent(#[from] PermanentFailure),
    /// The issuer did not renew the login this time.
    #[error("Failed to refresh token: {0}")]
    Issuer(IssuerFailure),
    /// The store could not be looked at, so the refresh token was not spent.
    #[error("Failed to refresh token: {0}")]
    Store(StoreFailure),
}

impl RecoveryFailure {
    /// What hosts act on.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::NotRefreshable | Self::Permanent(_) => ErrorKind::ReauthRequired,
            Self::Issuer(
                IssuerFailure::Unreachable { kind, .. } | IssuerFailure::NotAsked { kind, .. },
            ) => *kind,
            Self::Issuer(_) => ErrorKind::Retryable,
            Self::Store(_) => ErrorKind::StoreFailed,
            Self::SignedOut => ErrorKind::AuthRequired,
            Self::HostRefused { .. } => ErrorKind::HostRefused,
            Self::HostTimeout { .. } => ErrorKind::HostTimeout,
            Self::HostGone => ErrorKind::HostGone,
            Self::AnswerInvalid => ErrorKind::HostAnswerInvalid,
            Self::Invalid(invalid) => invalid.kind(),
            Self::Workspace { .. } | Self::OtherAccount { .. } | Self::OtherPerson { .. } => {
                ErrorKind::WorkspaceMismatch
            }
        }
    }
}
