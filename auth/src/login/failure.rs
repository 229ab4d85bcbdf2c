//! Why a login failed. The texts are codex's where codex has one.

use byokey_protocol::error::ErrorKind;

use crate::{IssuerFailure, LoginRefusal, OwnLoginFailure, StoreFailure};

/// Why a login did not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartFailure {
    /// A rule forbids it.
    #[error(transparent)]
    Refused(#[from] LoginRefusal),
    /// The store cannot save a login.
    #[error("the login could not be saved: {0}")]
    Store(#[from] StoreFailure),
    /// No port is free for the callback server.
    #[error("failed to start login server: Port 127.0.0.1:{port} is already in use")]
    PortUnavailable {
        /// The last port that was tried.
        port: u16,
    },
    /// A port cannot be bound, for another reason.
    #[error("failed to start login server: cannot listen on 127.0.0.1:{port}: {problem}")]
    PortRefused {
        /// The last port that was tried.
        port: u16,
        /// The system's text.
        problem: String,
    },
    /// The browser login cannot be prepared.
    #[error("failed to start login server: {0}")]
    Browser(IssuerFailure),
    /// The issuer does not support device logins.
    #[error(
        "device code login is not enabled for this Codex server. Use the browser login or verify \
         the server URL."
    )]
    DeviceLoginDisabled,
    /// The issuer returned no code.
    #[error("failed to request device code: {0}")]
    DeviceCode(IssuerFailure),
    /// A later login, or a logout, came before it had started.
    #[error("Login was not completed: a later login or a logout ended it")]
    Superseded,
    /// The system returned no random bytes.
    #[error("failed to start login server: no random numbers could be had")]
    NoRandomness,
}

impl StartFailure {
    /// Returns the error kind for hosts.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused(refusal) => refusal.kind(),
            Self::Store(_) => ErrorKind::StoreFailed,
            Self::PortUnavailable { .. } | Self::PortRefused { .. } => ErrorKind::PortUnavailable,
            Self::Browser(failure) | Self::DeviceCode(failure) => failure.kind(),
            Self::DeviceLoginDisabled => ErrorKind::LoginDisabled,
            Self::Superseded | Self::NoRandomness => ErrorKind::LoginFailed,
        }
    }
}

/// Why a started login failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginFailure {
    /// It was cancelled, or replaced by another login.
    #[error("Login was not completed")]
    NotCompleted,
    /// A local program asked the callback server to stop, as a later login does.
    #[error("Login cancelled")]
    CancelledByOther,
    /// The user missed the deadline.
    #[error("Login timed out")]
    TimedOut,
    /// The user missed the deadline on the other device.
    #[error("device auth timed out after 15 minutes")]
    DeviceTimedOut,
    /// The issuer redirected the browser with an error.
    #[error("Sign-in failed: {0}")]
    Denied(String),
    /// The workspace has no access.
    #[error(
        "Codex is not enabled for your workspace. Contact your workspace administrator to \
         request access to Codex."
    )]
    NotEntitled,
    /// The issuer redirected the browser without a code.
    #[error("Missing authorization code. Sign-in could not be completed.")]
    NoCode,
    /// The code could not be exchanged for tokens.
    #[error("Token exchange failed: {0}")]
    Exchange(IssuerFailure),
    /// The issuer refused the device login.
    #[error("{0}")]
    Device(IssuerFailure),
    /// The device's code could not be exchanged for tokens.
    #[error("device code exchange failed: {0}")]
    DeviceExchange(IssuerFailure),
    /// The tokens' account is not allowed here, or the login could not be saved.
    #[error(transparent)]
    SignIn(#[from] OwnLoginFailure),
}
