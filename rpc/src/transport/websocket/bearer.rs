//! The bearer that every WebSocket client must present, on loopback as well: any local program and
//! any web page could connect otherwise.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::refusal::BearerRefusal;
use super::signed::SignedBearers;
use byokey_base::memory::wiped_after;

/// Which bearers are valid.
#[derive(Debug)]
pub enum BearerRule {
    /// The bearer with this SHA-256 digest. Digests are compared in constant time.
    Capability(Digest),
    /// Tokens signed with our secret.
    Signed(SignedBearers),
}

/// The SHA-256 digest of a bearer. It has no `==`, so that every comparison is constant-time: an
/// early exit would leak by its timing how much of a guess is right.
#[derive(Debug)]
pub struct Digest([u8; 32]);

impl Digest {
    fn of(token: &[u8]) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// Returns whether this is the token's digest. The comparison is constant-time.
    #[must_use]
    pub fn is_of(&self, token: &str) -> bool {
        self.0.ct_eq(&Self::of(token.as_bytes()).0).into()
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl BearerRule {
    /// Returns the rule that admits this token.
    #[must_use]
    pub fn capability(token: &[u8]) -> Self {
        Self::Capability(wiped_after(|| Digest::of(token)))
    }

    /// Checks the bearer in the headers of a request. Returns when it expires, in Unix seconds, if
    /// it does.
    ///
    /// # Errors
    ///
    /// [`BearerRefusal`] states the reason.
    pub fn check(
        &self,
        headers: &HeaderMap,
        unix_seconds: i64,
    ) -> Result<Option<i64>, BearerRefusal> {
        let bearer = bearer(headers)?;
        // Hashing leaves the last block of its input on the stack.
        wiped_after(|| match self {
            Self::Capability(expected) if expected.is_of(bearer) => Ok(None),
            Self::Capability(_) => Err(BearerRefusal::Token),
            Self::Signed(bearers) => bearers.check(bearer, unix_seconds).map(Some),
        })
    }
}

fn bearer(headers: &HeaderMap) -> Result<&str, BearerRefusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(BearerRefusal::Missing)?;
    if values.next().is_some() {
        return Err(BearerRefusal::Header);
    }
    token_in(value).ok_or(BearerRefusal::Header)
}

fn token_in(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::header::AUTHORIZATION;

    use super::{BearerRefusal, BearerRule};

    fn headers(values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn the_token_alone_is_good() {
        let rule = BearerRule::capability(b"made-up");
        let check = |values: &[&'static str]| rule.check(&headers(values), 0);
        assert_eq!(check(&["Bearer made-up"]), Ok(None));
        assert_eq!(check(&["bearer  made-up"]), Ok(None));
        assert_eq!(check(&[]), Err(BearerRefusal::Missing));
        for other in [
            "Bearer made-uq",
            "Bearer nade-up",
            "Bearer made-up1",
            "Bearer made-u",
        ] {
            assert_eq!(check(&[other]), Err(BearerRefusal::Token), "{other}");
        }
        for bad in ["Bearer", "Bearer ", "Basic made-up", "made-up", ""] {
            assert_eq!(check(&[bad]), Err(BearerRefusal::Header), "{bad}");
        }
        let two = ["Bearer made-up", "Bearer made-up"];
        assert_eq!(check(&two), Err(BearerRefusal::Header));
    }
}
