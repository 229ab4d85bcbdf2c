//! Fake secrets, random throughout, so that any piece of one found anywhere is a leak.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use byokey_dev_backend::TestToken;

/// Shortest JSON Web Token of [`MadeUp::jwt`].
pub const SHORTEST_JWT: usize = 50;
/// Marks every fake secret as such.
const MARK: &str = "-made-up";

/// A fake secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeUp {
    /// The secret.
    pub text: String,
    /// The random part of its claims: also a trace of the secret, in decoded form.
    pub claimed: Option<String>,
    /// The part shared with other tokens of the same user; it is not a trace.
    pub common: Range<usize>,
    /// Its kind.
    pub kind: &'static str,
}

impl MadeUp {
    /// Returns a JSON Web Token of this many bytes. The same label gives the same token.
    ///
    /// # Panics
    ///
    /// When it would be shorter than [`SHORTEST_JWT`].
    #[must_use]
    pub fn jwt(label: &str, length: usize) -> Self {
        assert!(length >= SHORTEST_JWT, "such a short token has no pieces");
        let mut random = Random::of(label);
        let claimed = random.text((length / 2).saturating_sub(16).max(16));
        let claims = URL_SAFE_NO_PAD.encode(format!("{{\"{claimed}\":0}}"));
        let signature = length - "e30..".len() - claims.len() - MARK.len();
        let signature = random.text(signature);
        Self {
            text: format!("e30.{claims}.{signature}{MARK}"),
            claimed: Some(claimed),
            common: 0..0,
            kind: "JWT",
        }
    }

    /// Returns a JSON Web Token of that user.
    #[must_use]
    pub fn of_person(kind: &'static str, person: &TestToken, label: &str) -> Self {
        let mut random = Random::of(&format!("{kind}-{label}"));
        // Long enough that the rest shares no group of base64 with it.
        let claimed = random.text(297);
        let own = URL_SAFE_NO_PAD.encode(format!("{{\"{claimed}\":0,"));
        let persons = person.claims().to_string();
        let persons = URL_SAFE_NO_PAD.encode(persons.trim_start_matches('{'));
        let signature = random.text(200);
        let begin = "e30.".len() + own.len();
        Self {
            common: begin..begin + persons.len(),
            text: format!("e30.{own}{persons}.{signature}{MARK}"),
            claimed: Some(claimed),
            kind,
        }
    }

    /// Returns an opaque secret of 100 bytes: a refresh token or a code, with a prefix.
    #[must_use]
    pub fn opaque(kind: &'static str, prefix: &str, label: &str) -> Self {
        let random = 100 - prefix.len() - MARK.len();
        let random = Random::of(&format!("{kind}-{label}")).text(random);
        Self::known(kind, format!("{prefix}{random}{MARK}"))
    }

    /// Wraps a secret that the program generated itself.
    #[must_use]
    pub const fn known(kind: &'static str, text: String) -> Self {
        Self {
            text,
            claimed: None,
            common: 0..0,
            kind,
        }
    }

    /// Returns the parts that no other secret shares.
    pub(crate) fn own_parts(&self) -> [&str; 2] {
        if self.common.is_empty() {
            return [&self.text, ""];
        }
        [0..self.common.start, self.common.end..self.text.len()]
            .map(|part| self.text.get(part).unwrap_or_default())
    }

    /// Returns an API key of this many bytes.
    ///
    /// # Panics
    ///
    /// When that is too short to be unique.
    #[must_use]
    pub fn api_key(label: &str, length: usize) -> Self {
        let random = length.checked_sub("sk-".len() + MARK.len());
        let random = random.expect("an API key has a beginning");
        assert!(random >= 16, "such a short key has no pieces");
        let text = format!("sk-{}{MARK}", Random::of(label).text(random));
        Self::known("API key", text)
    }

    /// Returns the secret as a JSON string with every third character escaped.
    #[must_use]
    pub fn escaped(&self) -> String {
        let escape = |(at, character): (usize, char)| match at % 3 {
            0 => format!("\\u{:04x}", u32::from(character)),
            _ => character.to_string(),
        };
        let inner: String = self.text.chars().enumerate().map(escape).collect();
        format!("\"{inner}\"")
    }
}

/// Deterministic letters and digits from a label.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// Returns the sequence of this label.
    #[must_use]
    pub fn of(label: &str) -> Self {
        // FNV-1a.
        let hash = label
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        Self(hash)
    }

    /// Returns the next number (splitmix64).
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns this many letters and digits.
    pub fn text(&mut self, length: usize) -> String {
        const LETTERS: &[u8; 62] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let letter = |number: u64| char::from(LETTERS[(number % 62) as usize]);
        (0..length).map(|_| letter(self.number())).collect()
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use byokey_dev_backend::TestToken;

    use super::{MadeUp, SHORTEST_JWT};

    #[test]
    fn tokens_have_the_length_asked_for_and_are_one_of_a_kind() {
        for length in [SHORTEST_JWT, 51, 52, 164, 1_200, 4_000, 40_000] {
            let token = MadeUp::jwt("a", length);
            assert_eq!(token.text.len(), length);
            assert_eq!(token.text.split('.').count(), 3);
            assert_ne!(token, MadeUp::jwt("b", length));
            let again: String = serde_json::from_str(&token.escaped()).unwrap();
            assert_eq!(again, token.text);
        }
        assert_eq!(MadeUp::api_key("a", 51).text.len(), 51);
        assert_eq!(MadeUp::opaque("code", "ac_", "a").text.len(), 100);
    }

    #[test]
    fn tokens_of_a_user_name_the_user_and_have_parts_of_their_own() {
        let person = TestToken::new("ada");
        let one = MadeUp::of_person("access token", &person, "1");
        let claims = one.text.split('.').nth(1).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(claims).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims["email"], person.claims()["email"]);
        let two = MadeUp::of_person("access token", &person, "2");
        let common = |token: &MadeUp| token.text.get(token.common.clone()).unwrap().to_owned();
        assert_eq!(common(&one), common(&two));
        assert!(one.own_parts().iter().all(|part| part.len() >= 200));
    }
}
