//! Logins that this program runs: the issuer's tokens, and their claims.

use byokey_protocol::secret::Secret;

use super::given::{TokenKind, checked};
use super::identity::differ;
use super::{ChatgptAccount, InvalidCredential};
use crate::claims::Claims;
use crate::identifier::is_identifier;
use byokey_base::memory::lock_in_memory;

/// How long before its expiry an access token is renewed, in seconds.
const RENEW_BEFORE: i64 = 5 * 60;
/// How long after its issue a token without an expiry is renewed, in seconds.
const RENEW_AFTER: i64 = 8 * 24 * 60 * 60;

/// The tokens of a login, as issued and as stored.
#[derive(Debug)]
pub struct ManagedTokens {
    /// Identifies the user. It is parsed here and never sent.
    pub id_token: Secret,
    /// The bearer.
    pub access_token: Secret,
    /// The refresh token, valid once. A login taken over from another program has none.
    pub refresh_token: Option<Secret>,
    /// The workspace, where the id token does not contain it.
    pub account_id: Option<String>,
    /// When they were issued, in Unix seconds, if known.
    pub obtained_at: Option<i64>,
}

/// The issuer's answer to a refresh. An absent token stays unchanged.
#[derive(Debug, Default)]
pub struct RenewedTokens {
    /// The new id token.
    pub id_token: Option<Secret>,
    /// The new bearer.
    pub access_token: Option<Secret>,
    /// The new refresh token; the spent one is invalid (rotation).
    pub refresh_token: Option<Secret>,
}

/// A login that this program runs.
#[derive(Debug)]
pub struct ManagedLogin {
    tokens: ManagedTokens,
    /// The account that calls are made for.
    pub account: ChatgptAccount,
    /// When the access token expires, in Unix seconds, if it has an expiry.
    pub expires_at: Option<i64>,
    /// Whether the store holds these tokens. If saving them failed, different tokens in the store
    /// are not preferred to them.
    pub is_saved: bool,
}

impl ManagedTokens {
    /// Returns a copy. Explicit, because `Secret` has no `Clone`.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self {
            id_token: self.id_token.duplicate(),
            access_token: self.access_token.duplicate(),
            refresh_token: self.refresh_token.as_ref().map(Secret::duplicate),
            account_id: self.account_id.clone(),
            obtained_at: self.obtained_at,
        }
    }

    /// Moves them to locked memory.
    fn locked(self) -> Self {
        Self {
            id_token: lock_in_memory(self.id_token),
            access_token: lock_in_memory(self.access_token),
            refresh_token: self.refresh_token.map(lock_in_memory),
            ..self
        }
    }
}

impl ManagedLogin {
    /// Validates that the tokens can be sent and are of one account.
    ///
    /// # Errors
    ///
    /// [`InvalidCredential`] when they cannot, or are not.
    pub fn new(mut tokens: ManagedTokens) -> Result<Self, InvalidCredential> {
        tokens.access_token = checked(tokens.access_token, TokenKind::AccessToken)?;
        tokens.id_token = checked(tokens.id_token, TokenKind::IdToken)?;
        let identity = Claims::of(tokens.id_token.expose())?;
        // The access token may be opaque; if it is a JWT, it must agree.
        let access = Claims::of(tokens.access_token.expose()).unwrap_or_default();
        if !identity.agree(&access) {
            return Err(InvalidCredential::AccountsDiffer);
        }
        let claimed = identity.account_id.or(access.account_id);
        let named = tokens.account_id.take();
        if differ(named.as_ref(), claimed.as_ref()) {
            return Err(InvalidCredential::AccountsDiffer);
        }
        let id = named.or(claimed);
        if id.as_deref().is_some_and(|id| !is_identifier(id)) {
            return Err(InvalidCredential::AccountId);
        }
        tokens.refresh_token = tokens
            .refresh_token
            .map(|token| checked(token, TokenKind::RefreshToken))
            .transpose()?;
        tokens.account_id.clone_from(&id);
        Ok(Self {
            account: ChatgptAccount {
                id,
                user_id: identity.user_id.or(access.user_id),
                plan: identity.plan.or(access.plan).unwrap_or_default(),
                email: identity.email.or(access.email),
                fedramp: identity.fedramp || access.fedramp,
                residency: access.residency.or(identity.residency),
            },
            expires_at: access.expires_at,
            tokens: tokens.locked(),
            is_saved: true,
        })
    }

    /// Returns the tokens.
    #[must_use]
    pub const fn tokens(&self) -> &ManagedTokens {
        &self.tokens
    }

    /// Returns the login with the tokens of a refresh, if they are for the same account.
    ///
    /// # Errors
    ///
    /// [`InvalidCredential`] when the tokens cannot be sent or are for another account.
    pub fn renewed(&self, answer: RenewedTokens, now: i64) -> Result<Self, InvalidCredential> {
        let old = self.tokens.duplicate();
        let given = |token: Option<Secret>, kind| token.map(|it| checked(it, kind)).transpose();
        // Claims of a token with white space around it would go unread.
        let answer = RenewedTokens {
            id_token: given(answer.id_token, TokenKind::IdToken)?,
            access_token: given(answer.access_token, TokenKind::AccessToken)?,
            ..answer
        };
        for token in [&answer.id_token, &answer.access_token]
            .into_iter()
            .flatten()
        {
            let claims = Claims::of(token.expose()).unwrap_or_default();
            if differ(claims.account_id.as_ref(), self.account.id.as_ref())
                || differ(claims.user_id.as_ref(), self.account.user_id.as_ref())
            {
                return Err(InvalidCredential::AccountsDiffer);
            }
        }
        Self::new(ManagedTokens {
            id_token: answer.id_token.unwrap_or(old.id_token),
            access_token: answer.access_token.unwrap_or(old.access_token),
            refresh_token: answer.refresh_token.or(old.refresh_token),
            account_id: old.account_id,
            obtained_at: Some(now),
        })
    }

    /// Returns whether both are logins of the same user to the same workspace.
    #[must_use]
    pub fn is_same_account(&self, other: &Self) -> bool {
        self.account.is_same(&other.account)
    }

    /// Returns whether both hold the same tokens.
    #[must_use]
    pub fn has_same_tokens(&self, other: &Self) -> bool {
        let exposed = |login: &Self| {
            login.tokens.refresh_token.as_ref().map(Secret::expose)
                == self.tokens.refresh_token.as_ref().map(Secret::expose)
        };
        self.tokens.access_token.expose() == other.tokens.access_token.expose() && exposed(other)
    }

    /// Returns when to renew it proactively, in Unix seconds, if known.
    #[must_use]
    pub fn renew_at(&self) -> Option<i64> {
        self.tokens.refresh_token.as_ref()?;
        match (self.expires_at, self.tokens.obtained_at) {
            (Some(expires_at), _) => Some(expires_at.saturating_sub(RENEW_BEFORE)),
            (None, Some(obtained_at)) => Some(obtained_at.saturating_add(RENEW_AFTER)),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use byokey_protocol::secret::Secret;

    use super::{InvalidCredential, ManagedLogin, RenewedTokens};
    use crate::testing::{managed_tokens, token_of};

    #[test]
    fn tokens_of_different_accounts_are_refused() {
        let token = |account, user| Secret::from(token_of(account, user, 99).as_str());
        for (account, user, named, fits) in [
            ("ws-1", "u-1", None, true),
            ("ws-2", "u-1", None, false),
            ("ws-1", "u-2", None, false),
            ("ws-1", "u-1", Some("ws-1"), true),
            ("ws-1", "u-1", Some("ws-2"), false),
        ] {
            let mut tokens = managed_tokens("ws-1", "u-1", "rt-1");
            tokens.access_token = token(account, user);
            tokens.account_id = named.map(str::to_owned);
            let taken = ManagedLogin::new(tokens).map(|_| ());
            let expected = fits.then_some(()).ok_or(InvalidCredential::AccountsDiffer);
            assert_eq!(taken, expected, "{account} {user} {named:?}");
        }
    }

    #[test]
    fn absent_members_of_an_answer_keep_what_was() {
        let login = ManagedLogin::new(managed_tokens("ws-1", "u-1", "rt-1")).unwrap();
        let answer = RenewedTokens {
            access_token: Some(Secret::from(token_of("ws-1", "u-1", 99).as_str())),
            ..RenewedTokens::default()
        };
        let renewed = login.renewed(answer, 7).unwrap();
        assert_eq!(renewed.expires_at, Some(99));
        assert_eq!(renewed.tokens().obtained_at, Some(7));
        let refresh_token = renewed.tokens().refresh_token.as_ref().unwrap();
        assert_eq!(refresh_token.expose(), "rt-1");
        assert!(renewed.is_same_account(&login));
        assert!(!renewed.has_same_tokens(&login));
    }

    #[test]
    fn an_answer_for_another_account_is_refused() {
        let login = ManagedLogin::new(managed_tokens("ws-1", "u-1", "rt-1")).unwrap();
        for (account, user) in [("ws-2", "u-1"), ("ws-1", "u-2")] {
            let token = || Some(Secret::from(token_of(account, user, 99).as_str()));
            let as_access = RenewedTokens {
                access_token: token(),
                ..RenewedTokens::default()
            };
            assert!(login.renewed(as_access, 7).is_err());
            let as_identity = RenewedTokens {
                id_token: token(),
                ..RenewedTokens::default()
            };
            assert!(login.renewed(as_identity, 7).is_err());
        }
    }

    #[test]
    fn the_time_of_renewal_depends_on_expiry_or_else_on_age() {
        let mut tokens = managed_tokens("ws-1", "u-1", "rt-1");
        tokens.access_token = Secret::from(token_of("ws-1", "u-1", 1_000).as_str());
        assert_eq!(ManagedLogin::new(tokens).unwrap().renew_at(), Some(700));
        let mut opaque = managed_tokens("ws-1", "u-1", "rt-1");
        opaque.access_token = Secret::from("opaque");
        opaque.obtained_at = Some(1_000);
        let login = ManagedLogin::new(opaque).unwrap();
        assert_eq!(login.renew_at(), Some(1_000 + 8 * 86_400));
        let mut lent = managed_tokens("ws-1", "u-1", "rt-1");
        lent.refresh_token = None;
        assert_eq!(ManagedLogin::new(lent).unwrap().renew_at(), None);
    }
}
