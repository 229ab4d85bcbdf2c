//! The trait for the issuer, which issues, renews and revokes tokens and names their owner.

use std::pin::Pin;

use byokey_protocol::error::ErrorKind;
use byokey_protocol::secret::Secret;
use http::StatusCode;

use super::credential::{RenewedTokens, TokenOwner};
use super::permanent::PermanentFailure;

/// A pending answer of the issuer.
pub type IssuerAnswer<T> = Pin<Box<dyn Future<Output = Result<T, IssuerFailure>> + Send + 'static>>;

/// Issues, renews and revokes tokens. Every call has a deadline.
pub trait Issuer: Send + Sync {
    /// Spends a refresh token.
    fn refresh(&self, refresh_token: &Secret) -> IssuerAnswer<RenewedTokens>;

    /// Revokes a login by its refresh token. Best effort: the caller drops the tokens in any case.
    fn revoke(&self, refresh_token: &Secret) -> IssuerAnswer<()>;

    /// Returns the owner of a personal access token.
    fn whoami(&self, token: &Secret) -> IssuerAnswer<TokenOwner>;
}

/// Why a request to the issuer failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssuerFailure {
    /// Permanent: another attempt would fail in the same way.
    #[error(transparent)]
    Permanent(#[from] PermanentFailure),
    /// The HTTP status of its answer.
    #[error("the issuer answered with status {0}")]
    Status(StatusCode),
    /// It refused. The text is ours.
    #[error("{0}")]
    Refused(String),
    /// There was no answer; transient.
    #[error("{text}")]
    Unreachable {
        /// The error kind for hosts.
        kind: ErrorKind,
        /// The cause, in our words.
        text: String,
    },
    /// The request was not sent, for a reason that stays until the settings change.
    #[error("{text}")]
    NotAsked {
        /// The error kind for hosts.
        kind: ErrorKind,
        /// The reason, in our words.
        text: String,
    },
    /// The network's edge demands a browser, in place of a response. Nothing was executed, and
    /// another token or code does not help.
    #[error(
        "the network's edge (Cloudflare) wants a browser and lets no program through; try \
         another network, without VPN or proxy{}",
        ray.as_ref().map(|ray| format!(" (cf-ray: {ray})")).unwrap_or_default()
    )]
    Challenged {
        /// The edge's request id, if it is a valid identifier.
        ray: Option<String>,
    },
    /// The issuer does not serve the country of this network. Nothing was executed, and another
    /// token or code does not help.
    #[error(
        "the issuer does not serve the country of this network; check VPN and proxy. Another \
         sign-in does not help"
    )]
    CountryRefused,
    /// The answer does not have the expected type.
    #[error("the issuer's answer has an unexpected format")]
    UnexpectedAnswer,
    /// A setting names an address to which secrets must not be sent.
    #[error("`{setting}` must be an https:// URL, or an http:// URL of this machine")]
    Unusable {
        /// The setting.
        setting: &'static str,
    },
}
