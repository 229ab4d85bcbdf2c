//! Credentials: a secret and what it speaks for. They do nothing; [`super::AuthManager`] acts.

mod api_key;
mod external;
mod given;
mod identity;
mod managed;
mod personal;

use byokey_protocol::account::{Account, AccountUpdated, AuthMode, PlanType};
use byokey_protocol::secret::Secret;

pub use api_key::ApiKey;
pub use external::{ExternalLogin, Supplier};
pub use given::TokenKind;
pub use identity::AccountIdentity;
pub(super) use identity::differ;
pub use managed::{ManagedLogin, ManagedTokens, RenewedTokens};
pub use personal::{PERSONAL_TOKEN_PREFIX, PersonalAccessToken, TokenOwner};

use super::claims::InvalidToken;

/// The credential in force.
#[derive(Debug)]
pub enum Credential {
    /// An OpenAI API key.
    ApiKey(ApiKey),
    /// Tokens that the host owns.
    External(ExternalLogin),
    /// A ChatGPT login that this program runs and renews.
    Managed(ManagedLogin),
    /// A personal access token.
    PersonalAccessToken(PersonalAccessToken),
}

/// The ChatGPT account that a credential speaks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChatgptAccount {
    /// The workspace that calls are made for.
    pub id: Option<String>,
    /// The person, where the credential tells.
    pub user_id: Option<String>,
    /// Plan of the account.
    pub plan: PlanType,
    /// Address of the account, where the credential tells.
    pub email: Option<String>,
    /// Whether calls must say that the account lives in the government's cloud.
    pub fedramp: bool,
}

/// Why a value cannot become a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCredential {
    /// The token is no JSON Web Token.
    #[error(transparent)]
    Token(#[from] InvalidToken),
    /// The token or key stands in quotes.
    #[error("the {0} is in quotes; hand over what is between them")]
    Quoted(TokenKind),
    /// The token or key stands behind the scheme of a header.
    #[error("the {0} begins with `Bearer`; hand over what stands behind it")]
    WithScheme(TokenKind),
    /// The tokens, or a token and its label, are for different accounts.
    #[error("the id token and the access token are for different accounts")]
    AccountsDiffer,
    /// The account id cannot be sent as a header.
    #[error("the account id must be 1 to 128 printable ASCII characters")]
    AccountId,
    /// The key cannot be sent as a header.
    #[error("the API key must be visible ASCII characters, at least one")]
    ApiKey,
    /// The token is no personal access token that could be sent.
    #[error("a personal access token begins with `at-` and has only visible ASCII characters")]
    PersonalAccessToken,
}

impl Credential {
    /// The kind, as the wire names it.
    #[must_use]
    pub const fn mode(&self) -> AuthMode {
        match self {
            Self::ApiKey(_) => AuthMode::ApiKey,
            Self::External(_) => AuthMode::ChatgptAuthTokens,
            Self::Managed(_) => AuthMode::Chatgpt,
            Self::PersonalAccessToken(_) => AuthMode::PersonalAccessToken,
        }
    }

    /// What is sent behind `Bearer`.
    #[must_use]
    pub const fn bearer(&self) -> &Secret {
        match self {
            Self::ApiKey(key) => key.secret(),
            Self::External(login) => login.access_token(),
            Self::Managed(login) => &login.tokens().access_token,
            Self::PersonalAccessToken(token) => token.secret(),
        }
    }

    /// The ChatGPT account it speaks for, if it does.
    #[must_use]
    pub const fn chatgpt(&self) -> Option<&ChatgptAccount> {
        match self {
            Self::ApiKey(_) => None,
            Self::External(login) => Some(&login.account),
            Self::Managed(login) => Some(&login.account),
            Self::PersonalAccessToken(token) => Some(&token.account),
        }
    }

    /// Whether a 401 may be got past by asking for newer tokens.
    #[must_use]
    pub const fn can_be_renewed(&self) -> bool {
        matches!(self, Self::External(_) | Self::Managed(_))
    }

    /// Whether a client may see the bearer when it asks for it.
    #[must_use]
    pub const fn may_be_shown(&self) -> bool {
        !matches!(self, Self::PersonalAccessToken(_))
    }

    /// What a client may see of it.
    #[must_use]
    pub fn account(&self) -> Account {
        self.chatgpt()
            .map_or(Account::ApiKey {}, |account| Account::Chatgpt {
                email: account.email.clone(),
                plan_type: account.plan.into(),
            })
    }

    /// The notification that tells of it.
    #[must_use]
    pub fn update(&self) -> AccountUpdated {
        AccountUpdated {
            auth_mode: Some(self.mode().into()),
            plan_type: self.chatgpt().map(|account| account.plan.into()),
        }
    }
}
