//! Why a login is refused, and why a refused credential was not recovered.
//!
//! The texts are codex's where codex has one. They contain no value of the peer, except validated
//! account ids.

use std::time::Duration;

use byokey_protocol::error::ErrorKind;

use super::credential::InvalidCredential;
use super::issuer::IssuerFailure;
use super::permanent::PermanentFailure;
use super::store::StoreFailure;

/// Why a login is refused. The credential in force is unchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginRefusal {
    /// The host owns the login.
    #[error(
        "External auth is active. Use account/login/start (chatgptAuthTokens) to update it or \
         account/logout to clear it."
    )]
    ExternalAuthActive,
    /// The host owns the login, by a bearer token.
    #[error(
        "A bearer token of the host is active. Use account/login/start (bearerToken) to update it \
         or account/logout to clear it."
    )]
    HostBearerActive,
    /// The configuration requires ChatGPT accounts or API keys.
    #[error(
        "Bearer token login is disabled: `forced_login_method` in the configuration demands \
         another kind of login. Remove it, or use that kind."
    )]
    BearerDisabled,
    /// The configuration requires ChatGPT accounts.
    #[error("API key login is disabled. Use ChatGPT login instead.")]
    ApiKeyDisabled,
    /// The configuration requires API keys.
    #[error("ChatGPT login is disabled. Use API key login instead.")]
    ChatgptDisabled,
    /// The configuration requires API keys.
    #[error("External ChatGPT auth is disabled. Use API key login instead.")]
    ExternalDisabled,
    /// The workspace is not allowed.
    #[error("External auth must use one of workspace(s) {allowed:?}, but received {received:?}.")]
    Workspace {
        /// The workspace of the tokens.
        received: String,
        /// The allowed workspaces.
        allowed: Vec<String>,
    },
    /// The account of a managed login is not in an allowed workspace.
    #[error("Login is restricted to workspace id(s) {}.", allowed.join(", "))]
    Restricted {
        /// The allowed workspaces.
        allowed: Vec<String>,
    },
    /// A managed login does not name its workspace, and only some are allowed.
    #[error(
        "Login is restricted to a specific workspace, but the token did not include an \
         chatgpt_account_id claim."
    )]
    NoWorkspace,
    /// The configuration requires API keys.
    #[error("Access token login is disabled. Use API key login instead.")]
    AccessTokenDisabled,
    /// A login or logout took place while this login was in progress.
    #[error("account changed before sign-in completed")]
    Overtaken,
    /// The login was cancelled.
    #[error("Login was not completed")]
    Cancelled,
    /// The credential cannot be sent.
    #[error(transparent)]
    Invalid(#[from] InvalidCredential),
}

impl LoginRefusal {
    /// Returns the error kind for hosts.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::ExternalAuthActive | Self::HostBearerActive => ErrorKind::ExternalAuthActive,
            Self::ApiKeyDisabled
            | Self::ChatgptDisabled
            | Self::ExternalDisabled
            | Self::BearerDisabled
            | Self::AccessTokenDisabled => ErrorKind::LoginDisabled,
            Self::Workspace { .. } | Self::Restricted { .. } | Self::NoWorkspace => {
                ErrorKind::WorkspaceMismatch
            }
            Self::Overtaken | Self::Cancelled => ErrorKind::LoginFailed,
            Self::Invalid(invalid) => invalid.kind(),
        }
    }
}

impl InvalidCredential {
    /// Returns the error kind for hosts.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::AccountsDiffer => ErrorKind::WorkspaceMismatch,
            _ => ErrorKind::InvalidToken,
        }
    }
}

/// Why a managed login failed. The credential in force is unchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OwnLoginFailure {
    /// A rule forbids it.
    #[error(transparent)]
    Refused(#[from] LoginRefusal),
    /// A request to the issuer failed.
    #[error("{doing}: {failure}")]
    Issuer {
        /// The step that failed.
        doing: &'static str,
        /// The cause.
        failure: IssuerFailure,
    },
    /// The store did not save the credential.
    #[error("Sign-in completed but credentials could not be saved locally: {0}")]
    Store(#[from] StoreFailure),
}

impl OwnLoginFailure {
    /// Returns the error kind for hosts.
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
    /// Returns the error kind for hosts.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Permanent(_) => ErrorKind::ReauthRequired,
            Self::Unreachable { kind, .. } | Self::NotAsked { kind, .. } => *kind,
            Self::Challenged { .. } => ErrorKind::Challenged,
            Self::CountryRefused => ErrorKind::RegionRefused,
            Self::Status(_) | Self::Refused(_) | Self::UnexpectedAnswer | Self::Unusable { .. } => {
                ErrorKind::LoginFailed
            }
        }
    }
}

/// Why a 401 could not be recovered from. The credential in force is unchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryFailure {
    /// An API key cannot be renewed.
    #[error("the credential cannot be renewed; sign in again")]
    NotRefreshable,
    /// The user has logged out meanwhile.
    #[error("external auth is not configured")]
    SignedOut,
    /// The task that requested newer tokens ended without a result: it panicked.
    #[error("the renewal of the credential was interrupted by a fault of this program; try again")]
    Interrupted,
    /// The host answered with an error.
    #[error("auth refresh request failed: code={code}")]
    HostRefused {
        /// The code of the host's error.
        code: i64,
    },
    /// The host did not answer in time.
    #[error("auth refresh request timed out after {}s", after.as_secs_f32())]
    HostTimeout {
        /// The timeout.
        after: Duration,
    },
    /// No host is connected that can be asked.
    #[error("auth refresh request canceled: no host is connected")]
    HostGone,
    /// The host's answer does not have the expected type.
    #[error("invalid auth refresh response")]
    AnswerInvalid,
    /// The host's tokens cannot be sent.
    #[error("auth refresh returned invalid credentials{}", detail(*.0))]
    Invalid(#[from] InvalidCredential),
    /// The host's tokens are for a workspace that is not allowed.
    #[error("external auth refresh returned workspace {received:?}, expected one of {allowed:?}")]
    Workspace {
        /// The workspace of the tokens.
        received: String,
        /// The allowed workspaces.
        allowed: Vec<String>,
    },
    /// The host's tokens are for another account, which the configuration forbids.
    #[error("external auth refresh returned workspace {received:?}, expected {expected:?}")]
    OtherAccount {
        /// The account of the tokens.
        received: String,
        /// The account in force.
        expected: String,
    },
    /// The host's tokens are for another user in the same workspace, and come from a connection
    /// other than the supplier.
    #[error("external auth refresh returned tokens of another user in workspace {workspace:?}")]
    OtherPerson {
        /// The workspace of both.
        workspace: String,
    },
    /// The issuer permanently refuses to renew the login.
    #[error(transparent)]
    Permanent(#[from] PermanentFailure),
    /// The issuer did not renew the login this time.
    #[error("Failed to refresh token: {0}")]
    Issuer(IssuerFailure),
    /// The store cannot be read, so the refresh token was not spent.
    #[error("Failed to refresh token: {0}")]
    Store(StoreFailure),
}

/// Returns what follows codex's text, where codex has no text of its own.
fn detail(invalid: InvalidCredential) -> String {
    match invalid {
        InvalidCredential::Token(_) => String::new(),
        invalid => format!(": {invalid}"),
    }
}

impl RecoveryFailure {
    /// Returns the error kind for hosts.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::NotRefreshable | Self::Permanent(_) => ErrorKind::ReauthRequired,
            Self::Issuer(
                IssuerFailure::Unreachable { kind, .. } | IssuerFailure::NotAsked { kind, .. },
            ) => *kind,
            Self::Issuer(IssuerFailure::Challenged { .. }) => ErrorKind::Challenged,
            Self::Issuer(IssuerFailure::CountryRefused) => ErrorKind::RegionRefused,
            Self::Issuer(_) | Self::Interrupted => ErrorKind::Retryable,
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
