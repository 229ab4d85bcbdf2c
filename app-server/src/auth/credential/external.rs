//! Tokens that the host owns.

use byokey_protocol::account::PlanType;
use byokey_protocol::external_auth::ExternalTokens;
use byokey_protocol::secret::Secret;

use super::{ChatgptAccount, InvalidCredential};
use crate::auth::claims::{Claims, InvalidToken};
use crate::auth::identifier::{is_bearer, is_identifier};
use byokey_base::memory::lock_in_memory;

/// Tokens that the host owns.
#[derive(Debug)]
pub struct ExternalLogin {
    access_token: Secret,
    /// The account that calls are made for; its id is always known.
    pub account: ChatgptAccount,
    /// When the token expires, in Unix seconds, if it tells.
    pub expires_at: Option<i64>,
    /// Who handed the tokens over, and is asked for new ones.
    pub supplier: Supplier,
}

/// The connection that handed tokens over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Supplier(pub u64);

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
            access_token: lock_in_memory(tokens.access_token),
            account: ChatgptAccount {
                id: Some(account_id),
                user_id: claims.user_id,
                plan: plan.unwrap_or_default(),
                email: claims.email,
                fedramp: claims.fedramp,
            },
            expires_at: claims.expires_at,
            supplier,
        })
    }

    /// The bearer.
    #[must_use]
    pub const fn access_token(&self) -> &Secret {
        &self.access_token
    }

    /// The workspace that calls are made for.
    #[must_use]
    pub fn account_id(&self) -> &str {
        self.account.id.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{ExternalLogin, InvalidCredential, Supplier};
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
            (login.account_id(), login.account.plan),
            ("given", PlanType::Pro)
        );

        let mut first_form = tokens("opaque", "");
        first_form.chatgpt_account_id = None;
        first_form.id_token = Some(Secret::from(token.as_str()));
        let login = ExternalLogin::new(first_form, Supplier(0)).unwrap();
        assert_eq!(
            (login.account_id(), login.account.plan),
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
    }
}
