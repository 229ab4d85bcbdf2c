//! JWT bearers, signed with HS256 and a secret shared with their issuer.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::refusal::BearerRefusal;

/// Default tolerance between the clocks, in seconds.
pub(super) const DEFAULT_CLOCK_SKEW: i64 = 30;

/// Which signed bearers are valid.
pub struct SignedBearers {
    pub(super) secret: Zeroizing<Vec<u8>>,
    pub(super) issuer: Option<String>,
    pub(super) audience: Option<String>,
    pub(super) clock_skew: i64,
}

impl fmt::Debug for SignedBearers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedBearers")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .field("clock_skew", &self.clock_skew)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

#[derive(Deserialize)]
struct Claims {
    exp: i64,
    nbf: Option<i64>,
    iss: Option<String>,
    aud: Option<Audience>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl SignedBearers {
    /// Checks a token. Returns until when a connection may last that shows it: its `exp`, or, where
    /// that has passed within the skew of the clocks, the end of the skew.
    pub(super) fn check(&self, token: &str, now: i64) -> Result<i64, BearerRefusal> {
        let claims = self.claims(token).ok_or(BearerRefusal::Jwt)?;
        let latest = claims.exp.saturating_add(self.clock_skew);
        if now > latest {
            return Err(BearerRefusal::Expired);
        }
        let early = |nbf: i64| now < nbf.saturating_sub(self.clock_skew);
        if claims.nbf.is_some_and(early) {
            return Err(BearerRefusal::NotYet);
        }
        if self.issuer.is_some() && self.issuer != claims.iss {
            return Err(BearerRefusal::Issuer);
        }
        let meant = |audience: &String| match &claims.aud {
            Some(Audience::One(one)) => one == audience,
            Some(Audience::Several(several)) => several.contains(audience),
            None => false,
        };
        if !self.audience.as_ref().is_none_or(meant) {
            return Err(BearerRefusal::Audience);
        }
        Ok(if now < claims.exp { claims.exp } else { latest })
    }

    /// Returns the claims of a token with a valid signature. Before the check, only the algorithm's
    /// name is read.
    fn claims(&self, token: &str) -> Option<Claims> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
        if header.alg != "HS256" {
            return None;
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).ok()?;
        mac.update(signed.as_bytes());
        mac.verify_slice(&decode(signature)?).ok()?;
        serde_json::from_slice(&decode(claims)?).ok()
    }
}

fn decode(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use hmac::{KeyInit as _, Mac as _};
    use serde_json::{Value, json};

    use super::{BearerRefusal, DEFAULT_CLOCK_SKEW, Hmac, Sha256, SignedBearers, URL_SAFE_NO_PAD};

    const SECRET: &[u8] = b"made-up-secret-of-thirty-two-byte";
    const NOW: i64 = 1_000_000;

    fn sign(header: &Value, claims: &Value, secret: &[u8]) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
        mac.update(signed.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        format!("{signed}.{signature}")
    }

    fn bearers(issuer: Option<&str>, audience: Option<&str>) -> SignedBearers {
        SignedBearers {
            secret: SECRET.to_vec().into(),
            issuer: issuer.map(str::to_owned),
            audience: audience.map(str::to_owned),
            clock_skew: DEFAULT_CLOCK_SKEW,
        }
    }

    fn check(claims: &Value) -> Result<i64, BearerRefusal> {
        let token = sign(&json!({"alg": "HS256"}), claims, SECRET);
        bearers(Some("issuer"), Some("audience")).check(&token, NOW)
    }

    #[test]
    fn claims_are_held_to_the_settings() {
        let good = json!({"exp": NOW + 9, "iss": "issuer", "aud": "audience"});
        let with = |member: &str, value: Value| {
            let mut claims = good.clone();
            claims[member] = value;
            check(&claims)
        };
        assert_eq!(check(&good), Ok(NOW + 9));
        assert_eq!(with("exp", json!(NOW - 30)), Ok(NOW));
        assert_eq!(with("exp", json!(NOW - 1)), Ok(NOW + 29));
        assert_eq!(with("exp", json!(NOW - 31)), Err(BearerRefusal::Expired));
        assert_eq!(with("exp", json!(null)), Err(BearerRefusal::Jwt));
        assert_eq!(with("nbf", json!(NOW + 30)), Ok(NOW + 9));
        assert_eq!(with("nbf", json!(NOW + 31)), Err(BearerRefusal::NotYet));
        assert_eq!(with("nbf", json!(i64::MIN)), Ok(NOW + 9));
        assert_eq!(with("exp", json!(i64::MAX)), Ok(i64::MAX));
        assert_eq!(with("iss", json!("other")), Err(BearerRefusal::Issuer));
        assert_eq!(with("iss", json!(null)), Err(BearerRefusal::Issuer));
        assert_eq!(with("aud", json!(["other", "audience"])), Ok(NOW + 9));
        assert_eq!(with("aud", json!(["other"])), Err(BearerRefusal::Audience));
        assert_eq!(with("aud", json!(null)), Err(BearerRefusal::Audience));
    }

    #[test]
    fn only_our_secret_signs() {
        let claims = json!({"exp": NOW});
        let check = |token: &str| bearers(None, None).check(token, NOW);
        let good = sign(&json!({"alg": "HS256", "typ": "JWT"}), &claims, SECRET);
        assert!(check(&good).is_ok());
        let others = [
            sign(
                &json!({"alg": "HS256"}),
                &claims,
                b"another-made-up-secret-of-32-byte",
            ),
            sign(&json!({"alg": "none"}), &claims, SECRET),
            sign(&json!({"alg": "HS384"}), &claims, SECRET),
            good.rsplit_once('.').unwrap().0.to_owned() + ".",
            good.replace(".eyJleHAi", ".eyJleHBi"),
            format!("{good}="),
            "a.b.c".to_owned(),
            "..".to_owned(),
            String::new(),
        ];
        for token in others {
            assert_eq!(check(&token), Err(BearerRefusal::Jwt), "{token}");
        }
    }
}
