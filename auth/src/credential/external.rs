//! Tokens that the host owns.

use byokey_protocol::account::PlanType;
use byokey_protocol::external_auth::ExternalTokens;
use byokey_protocol::secret::Secret;
use byokey_protocol::workspace_routing::WorkspaceRouting;

use super::given::{TokenKind, checked, inner};
use super::{ChatgptAccount, InvalidCredential};
use crate::claims::{Claims, InvalidToken};
use crate::identifier::is_identifier;
use byokey_base::memory::lock_in_memory;

/// Tokens that the host owns.
#[derive(Debug)]
pub struct ExternalLogin {
    access_token: Secret,
    /// The account that calls are made for. Its id is always known.
    pub account: ChatgptAccount,
    /// The workspace in the token's claims, which may differ from the one that the host names.
    claimed_id: Option<String>,
    /// When the token expires, in Unix seconds, if it has an expiry.
    pub expires_at: Option<i64>,
    /// The connection that supplied the tokens. It is asked for new ones.
    pub supplier: PeerId,
    /// Where the model calls of the workspace go according to the host. Not checked here.
    pub routing: Option<WorkspaceRouting>,
}

/// The connection that supplied tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeerId(pub u64);

impl ExternalLogin {
    /// Validates that the tokens can be sent and are of one account. `chatgptAccountId` and
    /// `chatgptPlanType` take precedence over the token's claims, as in codex.
    ///
    /// # Errors
    ///
    /// [`InvalidCredential`] when they cannot be sent, or are of several accounts.
    pub fn new(tokens: ExternalTokens, supplier: PeerId) -> Result<Self, InvalidCredential> {
        let tokens = without_white_space(tokens)?;
        let Described {
            account,
            expires_at,
            claimed_id,
        } = Described::by(&tokens)?;
        Ok(Self {
            access_token: lock_in_memory(tokens.access_token),
            account,
            claimed_id,
            expires_at,
            supplier,
            routing: tokens.workspace_routing,
        })
    }

    /// Returns the account of the tokens without consuming them.
    ///
    /// # Errors
    ///
    /// As [`ExternalLogin::new`].
    pub fn account_of(tokens: &ExternalTokens) -> Result<ChatgptAccount, InvalidCredential> {
        Ok(Described::by(tokens)?.account)
    }

    /// Returns the bearer.
    #[must_use]
    pub const fn access_token(&self) -> &Secret {
        &self.access_token
    }

    /// Returns the workspaces of the login: the one that the host names and the one in the token's
    /// claims.
    pub fn workspaces(&self) -> impl Iterator<Item = &str> {
        [self.account.id.as_deref(), self.claimed_id.as_deref()]
            .into_iter()
            .flatten()
    }

    /// Returns the workspace that calls are made for.
    #[must_use]
    pub fn account_id(&self) -> &str {
        self.account.id.as_deref().unwrap_or_default()
    }
}

/// Trims the tokens.
fn without_white_space(tokens: ExternalTokens) -> Result<ExternalTokens, InvalidCredential> {
    let id_token = tokens.id_token.map(|it| checked(it, TokenKind::IdToken));
    Ok(ExternalTokens {
        access_token: checked(tokens.access_token, TokenKind::AccessToken)?,
        id_token: id_token.transpose()?,
        ..tokens
    })
}

/// The claims of the tokens, combined.
struct Described {
    account: ChatgptAccount,
    expires_at: Option<i64>,
    claimed_id: Option<String>,
}

impl Described {
    fn by(tokens: &ExternalTokens) -> Result<Self, InvalidCredential> {
        let access_token = inner(tokens.access_token.expose(), TokenKind::AccessToken)?;
        let access = Claims::of(access_token);
        let id_token = tokens.id_token.as_ref();
        let id_token = id_token.map(|token| inner(token.expose(), TokenKind::IdToken));
        let identity = id_token.transpose()?.map(Claims::of);
        // In codex's first form the id token identifies the account, and the access token may be
        // opaque. Today's form has no id token; one that is sent anyway must agree.
        let (access, identity) = match (&tokens.chatgpt_account_id, identity) {
            (None, None) => return Err(InvalidToken.into()),
            (None, Some(identity)) => (access.unwrap_or_default(), identity?),
            (Some(_), identity) => (access?, identity.and_then(Result::ok).unwrap_or_default()),
        };
        if !access.agree(&identity) {
            return Err(InvalidCredential::AccountsDiffer);
        }
        let expires_at = access.expires_at.or(identity.expires_at);
        let (first, second) = match tokens.chatgpt_account_id {
            None => (identity, access),
            Some(_) => (access, identity),
        };
        let claimed_id = first.account_id.or(second.account_id);
        let id = tokens.chatgpt_account_id.clone().or(claimed_id.clone());
        let id = id.unwrap_or_default();
        if !is_identifier(&id) {
            return Err(InvalidCredential::AccountId);
        }
        let named_plan = tokens.chatgpt_plan_type.as_deref().map(PlanType::from_raw);
        let plan = named_plan.or(first.plan).or(second.plan);
        Ok(Self {
            account: ChatgptAccount {
                id: Some(id),
                user_id: first.user_id.or(second.user_id),
                plan: plan.unwrap_or_default(),
                email: first.email.or(second.email),
                fedramp: first.fedramp || second.fedramp,
                residency: first.residency.or(second.residency),
            },
            expires_at,
            claimed_id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{ExternalLogin, InvalidCredential, PeerId};
    use crate::testing::{jwt, token_of, tokens};
    use byokey_protocol::account::PlanType;
    use byokey_protocol::secret::Secret;

    #[test]
    fn parameters_decide_over_claims() {
        let token = jwt(r#"{"email":"u@example.com","https://api.openai.com/auth":
            {"chatgpt_account_id":"claimed","chatgpt_plan_type":"plus"}}"#);
        let mut given = tokens(&token, "given");
        given.chatgpt_plan_type = Some("Pro".into());
        let login = ExternalLogin::new(given, PeerId(0)).unwrap();
        assert_eq!(
            (login.account_id(), login.account.plan),
            ("given", PlanType::Pro)
        );

        let mut first_form = tokens("opaque", "");
        first_form.chatgpt_account_id = None;
        first_form.id_token = Some(Secret::from(token.as_str()));
        let login = ExternalLogin::new(first_form, PeerId(0)).unwrap();
        assert_eq!(
            (login.account_id(), login.account.plan),
            ("claimed", PlanType::Plus)
        );
    }

    #[test]
    fn tokens_of_different_accounts_are_refused_in_either_form() {
        let of = |account, user| token_of(account, user, 4_102_444_800);
        let cases = [
            (of("ws-1", "ada"), of("ws-1", "ada"), true),
            (of("ws-1", "ada"), of("ws-2", "ada"), false),
            (of("ws-1", "ada"), of("ws-1", "eve"), false),
            (of("ws-1", "ada"), jwt("{}"), true),
        ];
        for (access_token, id_token, fits) in cases {
            for label in [None, Some("ws-1".to_owned())] {
                let mut given = tokens(&access_token, "");
                given.chatgpt_account_id = label;
                given.id_token = Some(Secret::from(id_token.as_str()));
                let taken = ExternalLogin::new(given, PeerId(0)).map(|_| ());
                let expected = fits.then_some(()).ok_or(InvalidCredential::AccountsDiffer);
                assert_eq!(taken, expected);
            }
        }
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        let token = jwt("{}");
        for account in ["", "a\r\nb", " a"] {
            let refused = ExternalLogin::new(tokens(&token, account), PeerId(0));
            assert_eq!(
                refused.unwrap_err(),
                InvalidCredential::AccountId,
                "{account:?}"
            );
        }
    }
}
