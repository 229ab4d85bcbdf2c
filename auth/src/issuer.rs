//! What is asked of the issuer: whoever hands out tokens and knows whose they are.

use std::pin::Pin;

use byokey_protocol::error::ErrorKind;
use byokey_protocol::secret::Secret;

use super::credential::{RenewedTokens, TokenOwner};
use super::permanent::PermanentFailure;

/// An answer of the issuer to come.
pub type IssuerAnswer<T> = Pin<Box<dyn Future<Output = Result<T, IssuerFailure>> + Send + 'static>>;

/// Hands out tokens, renews them and takes them back. Every answer has a deadline.
pub trait Issuer: Send + Sync {
    /// Spends a refresh token.
    fn refresh(&self, refresh_token: &Secret) -> IssuerAnswer<RenewedTokens>;

    /// Takes a login back, which its refresh token stands for. Best effort: whoever asks forgets
    /// the tokens anyway.
    fn revoke(&self, refresh_token: &Secret) -> IssuerAnswer<()>;

    /// Tells whose a personal access token is.
    fn whoami(&self, token: &Secret) -> IssuerAnswer<TokenOwner>;
}

/// Why the issuer did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssuerFailure {
    /// It never will.
    #[error(transparent)]
    Permanent(#[from] PermanentFailure),
    /// It answered with this status.
    #[error("the issuer answered with status {0}")]
    Status(String),
    /// It refused. The text is one of ours.
    #[error("{0}")]
    Refused(String),
    /// There was no answer, which may change by itself.
    #[error("{text}")]
    Unreachable {
        /// What hosts act on.
        kind: ErrorKind,
        /// The cause, in words of ours.
        text: String,
    },
    /// It was not asked, or not reached, for a reason that stays until the settings change.
    #[error("{text}")]
    NotAsked {
        /// What hosts act on.
        kind: ErrorKind,
        /// The reason, in words of ours.
        text: String,
    },
    /// The answer has another shape.
    #[error("the issuer's answer has an unexpected shape")]
    UnexpectedAnswer,
    /// A setting names an address that secrets must not be sent to.
    #[error("`{setting}` must be an https:// URL, or an http:// URL of this machine")]
    Unusable {
        /// The setting.
        setting: &'static str,
    },
}
