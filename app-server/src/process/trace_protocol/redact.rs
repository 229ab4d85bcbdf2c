//! Copies a JSON text with its secrets redacted.
//!
//! A value is secret if the protocol marks its member as such. Hosts may send a token in the wrong
//! place, so a string is also redacted if its member is named like a secret, or if it looks like
//! one.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};

use byokey_protocol::secret::SENSITIVE_MEMBERS;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::looks::{looks_secret, without_secret_parameters};

/// Suffixes of the names of secret members in other protocols.
const ENDINGS: [&str; 8] = [
    "apikey",
    "authorization",
    "cookie",
    "cookies",
    "password",
    "secret",
    "token",
    "usercode",
];

/// Names secrets, with equal names for equal secrets. The hash key is random and private to the
/// process, so a name does not identify a secret to others.
#[derive(Debug, Default)]
pub(super) struct Names(RandomState);

impl Names {
    fn name(&self, secret: &str) -> String {
        let hash = self.0.hash_one(secret) & 0xffff;
        format!("‹redacted {} bytes #{hash:04x}›", secret.len())
    }
}

/// Returns the redacted text; `None` if it is not JSON.
pub(super) fn redacted(text: &str, names: &Names) -> Option<String> {
    let mut out = String::new();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let copy = Copy {
        out: &mut out,
        names,
        member: Member::Plain,
    };
    copy.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(out)
}

/// What a member's name implies about its value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Member {
    /// Nothing.
    Plain,
    /// It is named like a secret.
    Suspect,
    /// The protocol marks it.
    Secret,
}

impl Member {
    fn of(name: &str) -> Self {
        let letters = name.chars().filter(char::is_ascii_alphanumeric);
        let folded: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
        let is_marked = |marked: &&str| marked.eq_ignore_ascii_case(&folded);
        if SENSITIVE_MEMBERS.iter().any(is_marked) {
            Self::Secret
        } else if ENDINGS.iter().any(|ending| folded.ends_with(ending)) {
            Self::Suspect
        } else {
            Self::Plain
        }
    }
}

/// Copies one value.
struct Copy<'a> {
    out: &'a mut String,
    names: &'a Names,
    member: Member,
}

impl Copy<'_> {
    fn value(&mut self, member: Member) -> Copy<'_> {
        Copy {
            out: self.out,
            names: self.names,
            member,
        }
    }

    fn string(self, text: &str) {
        if self.member != Member::Plain || looks_secret(text) {
            let name = self.names.name(text);
            self.quote(&name);
        } else if let Some(url) = without_secret_parameters(text, |it| self.names.name(it)) {
            self.quote(&url);
        } else {
            self.quote(text);
        }
    }

    fn quote(self, text: &str) {
        // A string always serialises.
        self.out
            .push_str(&serde_json::to_string(text).unwrap_or_default());
    }

    /// A number or a boolean. It is redacted where a secret is expected.
    fn scalar<E>(self, value: &dyn fmt::Display) -> Result<(), E> {
        if self.member == Member::Secret {
            self.quote("‹redacted›");
        } else {
            self.out.push_str(&value.to_string());
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Copy<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Copy<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.out.push_str("null");
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.scalar(&value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.scalar(&value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.scalar(&value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.scalar(&value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.string(value);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut values: A) -> Result<(), A::Error> {
        if self.member == Member::Secret {
            while values.next_element::<IgnoredAny>()?.is_some() {}
            self.quote("‹redacted›");
            return Ok(());
        }
        let member = self.member;
        self.out.push('[');
        let begin = self.out.len();
        loop {
            let before = self.out.len();
            if before > begin {
                self.out.push(',');
            }
            if values.next_element_seed(self.value(member))?.is_none() {
                self.out.truncate(before);
                break;
            }
        }
        self.out.push(']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        if self.member == Member::Secret {
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            self.quote("‹redacted›");
            return Ok(());
        }
        self.out.push('{');
        let begin = self.out.len();
        while let Some(name) = members.next_key::<std::borrow::Cow<'_, str>>()? {
            if self.out.len() > begin {
                self.out.push(',');
            }
            self.value(Member::Plain).string(&name);
            self.out.push(':');
            members.next_value_seed(self.value(Member::of(&name)))?;
        }
        self.out.push('}');
        Ok(())
    }
}
