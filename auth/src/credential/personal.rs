//! Personal access tokens. They are opaque: the issuer names their owner.

use byokey_protocol::secret::Secret;

use super::given::{TokenKind, checked};
use super::{ChatgptAccount, InvalidCredential};
use crate::identifier::is_identifier;
use byokey_base::memory::lock_in_memory;

/// Prefix of personal access tokens.
pub const PERSONAL_TOKEN_PREFIX: &str = "at-";

/// A personal access token and its owner.
#[derive(Debug)]
pub struct PersonalAccessToken {
    token: Secret,
    /// The account that calls are made for. Its id is always known.
    pub account: ChatgptAccount,
}

/// The owner of a personal access token, according to the issuer. It is never stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenOwner(pub ChatgptAccount);

impl PersonalAccessToken {
    /// Trims and validates a token before it is sent anywhere.
    ///
    /// # Errors
    ///
    /// [`InvalidCredential`] when it cannot be a personal access token.
    pub fn check(token: Secret) -> Result<Secret, InvalidCredential> {
        let token = checked(token, TokenKind::Personal)?;
        let text = token.expose();
        let is_one =
            text.len() > PERSONAL_TOKEN_PREFIX.len() && text.starts_with(PERSONAL_TOKEN_PREFIX);
        is_one
            .then_some(token)
            .ok_or(InvalidCredential::PersonalAccessToken)
    }

    /// Combines a token with its owner.
    ///
    /// # Errors
    ///
    /// [`InvalidCredential`] when either cannot be sent.
    pub fn new(token: Secret, owner: TokenOwner) -> Result<Self, InvalidCredential> {
        let token = Self::check(token)?;
        let TokenOwner(account) = owner;
        if !account.id.as_deref().is_some_and(is_identifier) {
            return Err(InvalidCredential::AccountId);
        }
        let token = lock_in_memory(token);
        Ok(Self { token, account })
    }

    /// Returns the token.
    #[must_use]
    pub const fn secret(&self) -> &Secret {
        &self.token
    }
}

#[cfg(test)]
mod tests {
    use byokey_protocol::secret::Secret;

    use super::PersonalAccessToken;

    #[test]
    fn only_what_begins_like_one_and_can_be_sent_is_one() {
        let check = |text| PersonalAccessToken::check(Secret::from(text));
        check("at-made-up").unwrap();
        assert_eq!(check(" at-made-up\n").unwrap().expose(), "at-made-up");
        for bad in ["", "at-", "made-up", "AT-made-up", "at-made up", "at-\r\n"] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }
}
