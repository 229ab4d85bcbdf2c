//! Bearer tokens that the host owns, for one recipient. They are opaque.

use byokey_base::memory::lock_in_memory;
use byokey_protocol::bearer_token::{BearerToken, BearerTokenLogin};
use byokey_protocol::secret::Secret;

use super::given::{TokenKind, checked};
use super::{InvalidCredential, PeerId};

/// Longest label, in bytes.
const MAX_LABEL: usize = 256;
/// The year 5138 in seconds since 1970, and March 1973 in milliseconds. Later times are
/// milliseconds by mistake.
const FIRST_MILLISECONDS: i64 = 100_000_000_000;

/// A bearer token that the host owns.
#[derive(Debug)]
pub struct BearerLogin {
    token: Secret,
    /// The origin that it is for, normalised.
    pub origin: String,
    /// The name that the host gave.
    pub label: Option<String>,
    /// When the token expires, in Unix seconds, if known.
    pub expires_at: Option<i64>,
    /// The connection that supplied the token, and the only one that is asked for a new one: no
    /// other can show that its token is of the same account.
    pub supplier: PeerId,
}

impl BearerLogin {
    /// Validates that the token can be sent. `origin` is that of the login, normalised.
    ///
    /// # Errors
    ///
    /// [`InvalidCredential`] when a member cannot be used.
    pub fn new(
        login: BearerTokenLogin,
        origin: String,
        supplier: PeerId,
    ) -> Result<Self, InvalidCredential> {
        if !login.label.as_deref().is_none_or(is_label) {
            return Err(InvalidCredential::Label);
        }
        Ok(Self {
            expires_at: checked_expiry(login.expires_at)?,
            token: checked_bearer(login.token)?,
            origin,
            label: login.label,
            supplier,
        })
    }

    /// Returns the token.
    #[must_use]
    pub const fn token(&self) -> &Secret {
        &self.token
    }

    /// Returns the login without its token.
    #[must_use]
    pub fn renewable(&self) -> RenewableBearer {
        RenewableBearer {
            origin: self.origin.clone(),
            label: self.label.clone(),
            supplier: self.supplier,
        }
    }
}

/// A bearer login without its token, which may be wiped while a new one is requested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenewableBearer {
    origin: String,
    label: Option<String>,
    supplier: PeerId,
}

impl RenewableBearer {
    /// Returns the login with the token of a host's answer. An expiry that cannot be used is
    /// unknown: the token counts.
    ///
    /// # Errors
    ///
    /// [`InvalidCredential`] when the token cannot be used.
    pub fn renewed(&self, answer: BearerToken) -> Result<BearerLogin, InvalidCredential> {
        Ok(BearerLogin {
            expires_at: checked_expiry(answer.expires_at).unwrap_or(None),
            token: checked_bearer(answer.token)?,
            origin: self.origin.clone(),
            label: self.label.clone(),
            supplier: self.supplier,
        })
    }
}

/// Returns a bearer token without surrounding white space, on locked pages.
///
/// # Errors
///
/// [`InvalidCredential`] when it cannot be sent.
pub fn checked_bearer(token: Secret) -> Result<Secret, InvalidCredential> {
    Ok(lock_in_memory(checked(token, TokenKind::Bearer)?))
}

fn checked_expiry(expires_at: Option<i64>) -> Result<Option<i64>, InvalidCredential> {
    match expires_at {
        Some(seconds) if !(0..FIRST_MILLISECONDS).contains(&seconds) => {
            Err(InvalidCredential::Expiry)
        }
        expires_at => Ok(expires_at),
    }
}

fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL).contains(&label.len()) && !label.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use byokey_protocol::bearer_token::{BearerToken, BearerTokenLogin};
    use byokey_protocol::secret::Secret;

    use super::{BearerLogin, InvalidCredential};
    use crate::credential::{PeerId, TokenKind};

    fn login(
        token: &str,
        expires_at: Option<i64>,
        label: Option<&str>,
    ) -> Result<BearerLogin, InvalidCredential> {
        let login = BearerTokenLogin {
            token: Secret::from(token),
            origin: "https://api.example".into(),
            expires_at,
            label: label.map(str::to_owned),
        };
        BearerLogin::new(login, "https://api.example".into(), PeerId(1))
    }

    #[test]
    fn any_value_of_a_header_is_a_token_and_nothing_else() {
        for good in ["x", "made-up", "made up", "{\"made\":\"up\"}", "a\tb"] {
            assert_eq!(login(good, None, None).unwrap().token().expose(), good);
        }
        let trimmed = login(" made-up\r\n", None, None).unwrap();
        assert_eq!(trimmed.token().expose(), "made-up");
        assert!(login(&"x".repeat(65_536), None, None).is_ok());
        for bad in ["", " ", "a\r\nb", "a\u{0}b", "\u{e9}", &"x".repeat(65_537)] {
            let refused = login(bad, None, None).unwrap_err();
            assert_eq!(refused, InvalidCredential::BearerToken, "{bad:?}");
        }
        let scheme = login("Bearer made-up", None, None).unwrap_err();
        assert_eq!(scheme, InvalidCredential::WithScheme(TokenKind::Bearer));
    }

    #[test]
    fn a_time_in_milliseconds_and_a_label_with_line_breaks_are_refused() {
        assert!(login("made-up", Some(1_893_456_000), Some("Ada’s plan")).is_ok());
        for seconds in [-1, 1_893_456_000_000] {
            let refused = login("made-up", Some(seconds), None).unwrap_err();
            assert_eq!(refused, InvalidCredential::Expiry);
        }
        for label in ["", "a\nb", "\u{7f}", &"x".repeat(257)] {
            let refused = login("made-up", None, Some(label)).unwrap_err();
            assert_eq!(refused, InvalidCredential::Label, "{label:?}");
        }
    }

    #[test]
    fn an_answer_changes_the_token_and_its_expiry_alone() {
        let old = login("made-up-1", Some(7), Some("Ada")).unwrap();
        let answer = |token: &str, expires_at| BearerToken {
            token: Secret::from(token),
            expires_at,
        };
        for (given, kept) in [
            (None, None),
            (Some(8), Some(8)),
            (Some(-1), None),
            (Some(1_893_456_000_000), None),
        ] {
            let new = old.renewable().renewed(answer("made-up-2", given)).unwrap();
            assert_eq!((new.token().expose(), new.expires_at), ("made-up-2", kept));
        }
        let new = old.renewable().renewed(answer("made-up-2", None)).unwrap();
        assert_eq!(
            (new.origin, new.label),
            (old.origin.clone(), old.label.clone())
        );
        assert!(old.renewable().renewed(answer("made\nup", None)).is_err());
    }
}
