//! Fake tokens of the scenario, and how tokens are displayed: never by their text.

use byokey_dev_backend::{Fingerprint, TestToken};

/// A fake token.
pub(super) struct Token {
    owner: &'static str,
    /// Its account.
    pub(super) account: &'static str,
    /// The token itself.
    pub(super) value: String,
}

impl Token {
    /// Returns its owner and a fingerprint, which distinguishes the owner's tokens.
    pub(super) fn name(&self) -> String {
        let fingerprint = Fingerprint::of(&self.value);
        format!("‹token of {} {fingerprint}›", self.owner)
    }

    /// Returns the same with its length.
    fn name_and_length(&self) -> String {
        let (length, fingerprint) = (self.value.len(), Fingerprint::of(&self.value));
        format!("‹token of {}, {length} bytes {fingerprint}›", self.owner)
    }
}

/// All tokens of the scenario.
pub(super) struct Tokens {
    /// Alice's, in order of use.
    pub(super) alice: [Token; 3],
    /// Bob's, in order of use.
    pub(super) bob: [Token; 2],
    /// Dora's, in order of use. They are opaque, and not of ChatGPT.
    pub(super) dora: [Token; 4],
}

impl Tokens {
    pub(super) fn made_up() -> Self {
        Self {
            alice: made_up("alice", "ws-alice", "pro"),
            bob: made_up("bob", "ws-bob", "team"),
            dora: [1, 2, 3, 4].map(opaque),
        }
    }

    fn all(&self) -> impl Iterator<Item = &Token> {
        self.alice.iter().chain(&self.bob).chain(&self.dora)
    }

    /// Returns the display name of a token with this fingerprint.
    pub(super) fn name_of(&self, fingerprint: Option<Fingerprint>) -> String {
        let Some(fingerprint) = fingerprint else {
            return "without a token".to_owned();
        };
        self.all()
            .find(|token| Fingerprint::of(&token.value) == fingerprint)
            .map_or_else(|| format!("‹unknown token {fingerprint}›"), Token::name)
    }

    /// Returns the display name of a token in a text, with its length unless `brief`; `None` if it
    /// contains none.
    pub(super) fn redacted(&self, text: &str, brief: bool) -> Option<String> {
        if let Some(token) = self.all().find(|token| text.contains(&token.value)) {
            return Some(if brief {
                token.name()
            } else {
                token.name_and_length()
            });
        }
        looks_like_jwt(text).then(|| format!("‹unknown token, {} bytes›", text.len()))
    }
}

fn made_up<const N: usize>(owner: &'static str, account: &'static str, plan: &str) -> [Token; N] {
    let first = TestToken {
        account: account.to_owned(),
        plan: plan.to_owned(),
        ..TestToken::new(owner)
    };
    let mut expires_at = first.expires_at;
    [(); N].map(|()| {
        expires_at += 1;
        let token = TestToken {
            expires_at,
            ..first.clone()
        };
        Token {
            owner,
            account,
            value: token.encode(),
        }
    })
}

fn opaque(number: u8) -> Token {
    Token {
        owner: "dora",
        account: "",
        value: format!("made-up-opaque-token-of-dora-{number}"),
    }
}

/// Every JSON Web Token starts with an encoded `{"`.
fn looks_like_jwt(text: &str) -> bool {
    text.contains("eyJ") && text.len() > 40
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_one_owner_differ() {
        let tokens = Tokens::made_up();
        let names: Vec<_> = tokens.all().map(Token::name).collect();
        assert_eq!(names.len(), 9);
        for (index, name) in names.iter().enumerate() {
            assert!(!names[..index].contains(name), "{names:?}");
        }
    }

    #[test]
    fn a_token_is_recognised_inside_a_text() {
        let tokens = Tokens::made_up();
        let bearer = format!("Bearer {}", tokens.bob[1].value);
        let shown = tokens.redacted(&bearer, false).unwrap();
        assert!(
            shown.starts_with("‹token of bob, ") && shown.len() < 40,
            "{shown}"
        );
        let fingerprint = Fingerprint::of(&tokens.bob[1].value);
        assert!(shown.contains(&fingerprint.to_string()));
        assert_eq!(tokens.name_of(Some(fingerprint)), tokens.bob[1].name());
    }

    #[test]
    fn a_token_from_elsewhere_is_hidden_too() {
        let tokens = Tokens::made_up();
        let foreign = TestToken::new("mallory").encode();
        let shown = tokens.redacted(&foreign, false).unwrap();
        assert_eq!(shown, format!("‹unknown token, {} bytes›", foreign.len()));
        assert_eq!(tokens.redacted("You said: hello", false), None);
    }
}
