//! Credentials: a secret and its account, as plain data. Behaviour is in [`super::AuthManager`].

mod api_key;
mod bearer;
mod external;
mod given;
mod identity;
mod managed;
mod personal;

use std::sync::Arc;

use byokey_protocol::account::{Account, AccountUpdated, AuthMode, PlanType};
use byokey_protocol::secret::Secret;
use byokey_protocol::workspace_routing::WorkspaceRouting;

pub use api_key::ApiKey;
pub use bearer::{BearerLogin, RenewableBearer, checked_bearer};
pub use external::{ExternalLogin, PeerId};
pub use given::TokenKind;
pub use identity::AccountIdentity;
pub(super) use identity::differ;
pub use managed::{ManagedLogin, ManagedTokens, RenewedTokens};
pub use personal::{PERSONAL_TOKEN_PREFIX, PersonalAccessToken, TokenOwner};

use super::claims::{InvalidToken, Residency};
use super::store::Stored;

/// The credential in force.
#[derive(Debug)]
pub enum Credential {
    /// An OpenAI API key.
    ApiKey(ApiKey),
    /// Tokens that the host owns.
    External(ExternalLogin),
    /// A ChatGPT login that this program runs and renews.
    Managed(Arc<ManagedLogin>),
    /// A personal access token.
    PersonalAccessToken(PersonalAccessToken),
    /// A bearer token that the host owns, for the configured provider.
    Bearer(BearerLogin),
}

/// A credential that this program obtained itself: any but a host's tokens.
#[derive(Debug)]
pub enum OwnCredential {
    /// An OpenAI API key.
    ApiKey(ApiKey),
    /// A ChatGPT login that this program runs and renews.
    Managed(Arc<ManagedLogin>),
    /// A personal access token.
    PersonalAccessToken(PersonalAccessToken),
}

impl OwnCredential {
    /// Returns the auth mode.
    #[must_use]
    pub const fn mode(&self) -> AuthMode {
        match self {
            Self::ApiKey(_) => AuthMode::ApiKey,
            Self::Managed(_) => AuthMode::Chatgpt,
            Self::PersonalAccessToken(_) => AuthMode::PersonalAccessToken,
        }
    }

    /// Returns its ChatGPT account, if it has one.
    #[must_use]
    pub fn chatgpt(&self) -> Option<&ChatgptAccount> {
        match self {
            Self::ApiKey(_) => None,
            Self::Managed(login) => Some(&login.account),
            Self::PersonalAccessToken(token) => Some(&token.account),
        }
    }
}

impl From<ManagedLogin> for OwnCredential {
    fn from(login: ManagedLogin) -> Self {
        Self::Managed(Arc::new(login))
    }
}

impl From<OwnCredential> for Credential {
    fn from(own: OwnCredential) -> Self {
        match own {
            OwnCredential::ApiKey(key) => Self::ApiKey(key),
            OwnCredential::Managed(login) => Self::Managed(login),
            OwnCredential::PersonalAccessToken(token) => Self::PersonalAccessToken(token),
        }
    }
}

/// The ChatGPT account of a credential.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChatgptAccount {
    /// The workspace that calls are made for.
    pub id: Option<String>,
    /// The user, where the credential names one.
    pub user_id: Option<String>,
    /// Plan of the account.
    pub plan: PlanType,
    /// Email address of the account, where the credential contains it.
    pub email: Option<String>,
    /// Whether calls must state that the account lives in the government's cloud.
    pub fedramp: bool,
    /// What the workspace is bound to.
    pub residency: Option<Residency>,
}

/// Why a value cannot become a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCredential {
    /// The token is not a JSON Web Token.
    #[error(transparent)]
    Token(#[from] InvalidToken),
    /// The token or key is in quotes.
    #[error("the {0} is in quotes; pass the text between them")]
    Quoted(TokenKind),
    /// The token or key is preceded by a header's scheme.
    #[error("the {0} begins with `Bearer`; pass the text after it")]
    WithScheme(TokenKind),
    /// The tokens, or a token and its label, are for different accounts.
    #[error("the id token and the access token are for different accounts")]
    AccountsDiffer,
    /// The account id is not a valid header value.
    #[error("the account id must be 1 to 128 printable ASCII characters")]
    AccountId,
    /// The key is not a valid header value.
    #[error("the API key must be visible ASCII characters, at least one")]
    ApiKey,
    /// The token is not a personal access token, or not a valid header value.
    #[error("a personal access token begins with `at-` and has only visible ASCII characters")]
    PersonalAccessToken,
    /// The bearer token is not a valid header value.
    #[error("the bearer token must be printable ASCII characters, at least one")]
    BearerToken,
    /// The expiry is not a time in seconds.
    #[error("the expiry must be in seconds since 1970, not in milliseconds")]
    Expiry,
    /// The label is empty, too long, or contains control characters.
    #[error("the label must be 1 to 256 bytes without control characters")]
    Label,
}

impl Credential {
    /// Returns the auth mode.
    #[must_use]
    pub const fn mode(&self) -> AuthMode {
        match self {
            Self::ApiKey(_) => AuthMode::ApiKey,
            Self::External(_) => AuthMode::ChatgptAuthTokens,
            Self::Managed(_) => AuthMode::Chatgpt,
            Self::PersonalAccessToken(_) => AuthMode::PersonalAccessToken,
            Self::Bearer(_) => AuthMode::BearerToken,
        }
    }

    /// Returns the value for the `Authorization: Bearer` header.
    #[must_use]
    pub fn bearer(&self) -> &Secret {
        match self {
            Self::ApiKey(key) => key.secret(),
            Self::External(login) => login.access_token(),
            Self::Managed(login) => &login.tokens().access_token,
            Self::PersonalAccessToken(token) => token.secret(),
            Self::Bearer(login) => login.token(),
        }
    }

    /// Returns its ChatGPT account, if it has one.
    #[must_use]
    pub fn chatgpt(&self) -> Option<&ChatgptAccount> {
        match self {
            Self::ApiKey(_) | Self::Bearer(_) => None,
            Self::External(login) => Some(&login.account),
            Self::Managed(login) => Some(&login.account),
            Self::PersonalAccessToken(token) => Some(&token.account),
        }
    }

    /// Returns where the model calls of its workspace go, if the host handed that over with it.
    #[must_use]
    pub const fn routing(&self) -> Option<&WorkspaceRouting> {
        match self {
            Self::External(login) => login.routing.as_ref(),
            _ => None,
        }
    }

    /// Returns whether a 401 can be recovered from with newer tokens.
    #[must_use]
    pub const fn can_be_renewed(&self) -> bool {
        matches!(self, Self::External(_) | Self::Managed(_) | Self::Bearer(_))
    }

    /// Returns whether it is stored where there is a store. A host stores its tokens itself.
    #[must_use]
    pub const fn is_stored(&self) -> bool {
        match self {
            Self::ApiKey(_) | Self::Managed(_) | Self::PersonalAccessToken(_) => true,
            Self::External(_) | Self::Bearer(_) => false,
        }
    }

    /// Returns whether this is what a store holds, or a login that was renewed since, or before.
    #[must_use]
    pub(crate) fn is_stored_as(&self, stored: Stored) -> bool {
        let same = |one: &Secret, other: &Secret| one.expose() == other.expose();
        match (self, stored) {
            (Self::ApiKey(key), Stored::ApiKey(stored)) => same(key.secret(), &stored),
            (Self::PersonalAccessToken(token), Stored::PersonalAccessToken(stored)) => {
                same(token.secret(), &stored)
            }
            (Self::Managed(login), Stored::Managed(stored)) => {
                ManagedLogin::new(stored).is_ok_and(|stored| stored.is_same_account(login))
            }
            _ => false,
        }
    }

    /// Returns whether the bearer may be returned to a client that requests it.
    #[must_use]
    pub const fn may_be_shown(&self) -> bool {
        !matches!(self, Self::PersonalAccessToken(_))
    }

    /// Returns what clients may know about it.
    #[must_use]
    pub fn account(&self) -> Account {
        if let Self::Bearer(login) = self {
            let label = login.label.clone();
            return Account::BearerToken { label };
        }
        self.chatgpt()
            .map_or(Account::ApiKey {}, |account| Account::Chatgpt {
                email: account.email.clone(),
                plan_type: account.plan.into(),
            })
    }

    /// Returns the notification that announces it.
    #[must_use]
    pub fn update(&self) -> AccountUpdated {
        AccountUpdated {
            auth_mode: Some(self.mode().into()),
            plan_type: self.chatgpt().map(|account| account.plan.into()),
            reason: None,
        }
    }
}
