//! Credentials: a secret and what it speaks for. They do nothing; [`super::AuthManager`] acts.

use byokey_protocol::account::{Account, AccountUpdated, AuthMode, PlanType};
use byokey_protocol::external_auth::ExternalTokens;
use byokey_protocol::secret::Secret;

use super::claims::{Claims, InvalidToken};
use super::identifier::{is_bearer, is_identifier};

/// The credential in force.
#[derive(Debug)]
pub enum Credential {
    /// An OpenAI API key.
    ApiKey(ApiKey),
    /// Tokens that the host owns.
    External(ExternalLogin),
}

/// An OpenAI API key.
#[derive(Debug)]
pub struct ApiKey(Secret);

/// Tokens that the host owns.
#[derive(Debug)]
pub struct ExternalLogin {
    access_token: Secret,
    /// The workspace that calls are made for.
    pub account_id: String,
    /// Plan of the account.
    pub plan: PlanType,
    /// Address of the account, if the token tells it.
    pub email: Option<String>,
    /// Whether calls must say that the account lives in the government's cloud.
    pub fedramp: bool,
    /// When the token expires, in Unix seconds, if it tells.
    pub expires_at: Option<i64>,
    /// Who handed the tokens over, and is asked for new ones.
    pub supplier: Supplier,
}

/// The connection that handed tokens over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Supplier(pub u64);

/// Why a value cannot become a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCredential {
    /// The token is no JSON Web Token.
    #[error(transparent)]
    Token(#[from] InvalidToken),
    /// The account id cannot be sent as a header.
    #[error("the account id must be 1 to 128 printable ASCII characters")]
    AccountId,
    /// The key cannot be sent as a header.
    #[error("the API key must be visible ASCII characters, at least one")]
    ApiKey,
}

impl ApiKey {
    /// Takes a key that can be sent.
    ///
    /// # Errors
    ///
    /// [`InvalidCredential::ApiKey`] when it cannot.
    pub fn new(key: Secret) -> Result<Self, InvalidCredential> {
        if is_bearer(key.expose()) {
            Ok(Self(key))
        } else {
            Err(InvalidCredential::ApiKey)
        }
    }
}

impl ExternalLogin {
    /// Takes tokens that can be sent. `chatgptAccountId` and `chatgptPlanType` decide over what
    /// the token says, as in codex.
    ///
    /// # Errors
    ///
    /// [`InvalidCredential`] when they cannot be sent.
    pub fn new(tokens: ExternalTokens, supplier: Supplier) -> Result<Self, InvalidCredential> {
        // In codex's first form the id token speaks for the account, and the access token is
        // opaque.
        let claims = match (&tokens.chatgpt_account_id, &tokens.id_token) {
            (None, Some(id_token)) if is_bearer(tokens.access_token.expose()) => {
                Claims::of(id_token.expose())?
            }
            (None, _) => return Err(InvalidToken.into()),
            (Some(_), _) => Claims::of(tokens.access_token.expose())?,
        };
        let account_id = tokens
            .chatgpt_account_id
            .or(claims.account_id)
            .unwrap_or_default();
        if !is_identifier(&account_id) {
            return Err(InvalidCredential::AccountId);
        }
        let plan = tokens
            .chatgpt_plan_type
            .as_deref()
            .map(PlanType::from_raw)
            .or(claims.plan);
        Ok(Self {
            access_token: tokens.access_token,
            account_id,
            plan: plan.unwrap_or_default(),
            email: claims.email,
            fedramp: claims.fedramp,
            expires_at: claims.expires_at,
            supplier,
        })
    }
}

impl Credential {
    /// The kind, as the wire names it.
    #[must_use]
    pub const fn mode(&self) -> AuthMode {
        match self {
            Self::ApiKey(_) => AuthMode::ApiKey,
            Self::External(_) => AuthMode::ChatgptAuthTokens,
        }
    }

    /// What is sent behind `Bearer`.
    #[must_use]
    pub const fn bearer(&self) -> &Secret {
        match self {
            Self::ApiKey(key) => &key.0,
            Self::External(login) => &login.access_token,
        }
    }

    /// The ChatGPT account it speaks for, if it does.
    #[must_use]
    pub const fn chatgpt(&self) -> Option<&ExternalLogin> {
        match self {
            Self::ApiKey(_) => None,
            Self::External(login) => Some(login),
        }
    }

    /// What a client may see of it.
    #[must_use]
    pub fn account(&self) -> Account {
        match self {
            Self::ApiKey(_) => Account::ApiKey {},
            Self::External(login) => Account::Chatgpt {
                email: login.email.clone(),
                plan_type: login.plan,
            },
        }
    }

    /// The notification that tells of it.
    #[must_use]
    pub fn update(&self) -> AccountUpdated {
        AccountUpdated {
            auth_mode: Some(self.mode()),
            plan_type: self.chatgpt().map(|login| login.plan),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ApiKey, ExternalLogin, InvalidCredential, Supplier};
    use crate::auth::testing::{jwt, tokens};
    use byokey_protocol::account::PlanType;
    use byokey_protocol::secret::Secret;

    #[test]
    fn parameters_decide_over_claims() {
        let token = jwt(r#"{"email":"u@example.com","https://api.openai.com/auth":
            {"chatgpt_account_id":"claimed","chatgpt_plan_type":"plus"}}"#);
        let mut given = tokens(&token, "given");
        given.chatgpt_plan_type = Some("Pro".into());
        let login = ExternalLogin::new(given, Supplier(0)).unwrap();
        assert_eq!(
            (login.account_id.as_str(), login.plan),
            ("given", PlanType::Pro)
        );

        let mut first_form = tokens("opaque", "");
        first_form.chatgpt_account_id = None;
        first_form.id_token = Some(Secret::from(token.as_str()));
        let login = ExternalLogin::new(first_form, Supplier(0)).unwrap();
        assert_eq!(
            (login.account_id.as_str(), login.plan),
            ("claimed", PlanType::Plus)
        );
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        let token = jwt("{}");
        for account in ["", "a\r\nb", " a"] {
            let refused = ExternalLogin::new(tokens(&token, account), Supplier(0));
            assert_eq!(
                refused.unwrap_err(),
                InvalidCredential::AccountId,
                "{account:?}"
            );
        }
        assert!(ApiKey::new(Secret::from("")).is_err());
        assert!(ApiKey::new(Secret::from("sk made up")).is_err());
        assert!(ApiKey::new(Secret::from("sk-made-up")).is_ok());
    }
}
