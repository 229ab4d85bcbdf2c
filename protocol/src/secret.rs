//! A value that must not be shown.

use std::any::Any;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use zeroize::Zeroize;

/// A secret string: zeroized on drop, and never printed, serialised or cloned by accident.
///
/// It has no `Display`, no `Serialize` and no `Clone`, and its `Debug` shows a placeholder. Only
/// [`Secret::expose`] returns the value, directly before its use.
///
/// ```compile_fail,E0277
/// let secret = byokey_protocol::secret::Secret::from("made-up");
/// println!("{secret}");
/// ```
///
/// ```compile_fail,E0277
/// let secret = byokey_protocol::secret::Secret::from("made-up");
/// serde_json::to_string(&secret);
/// ```
///
/// ```compile_fail,E0599
/// let secret = byokey_protocol::secret::Secret::from("made-up");
/// let _copy = secret.clone();
/// ```
///
/// Allowed uses compile, so the failures above are due to these uses alone:
///
/// ```
/// let secret = byokey_protocol::secret::Secret::from("made-up");
/// println!("{secret:?}");
/// serde_json::to_string(secret.expose()).unwrap();
/// let _copy = secret.duplicate();
/// ```
pub struct Secret(Place);

/// The place of the value.
enum Place {
    /// In one allocation of its exact size.
    Heap(Box<str>),
    /// In memory of another kind.
    Elsewhere(Box<dyn Memory>),
}

/// Returns whether each byte is a visible ASCII character (`VCHAR` of RFC 5234).
///
/// Every token is checked, often more than once. This crate is optimised for speed, and the blocks
/// let the compiler use vector instructions.
#[inline(never)]
#[must_use]
pub fn is_visible_ascii(text: &str) -> bool {
    // Sixteen bytes at a time, which the compiler does for bytes and not for truth values.
    let outside = |byte: &u8| u8::from(byte.wrapping_sub(b'!') > b'~' - b'!');
    let is_visible = |block: &[u8]| block.iter().fold(0, |any, byte| any | outside(byte)) == 0;
    text.as_bytes().chunks(64).all(is_visible)
}

/// Other memory for a secret. It zeroizes its content on drop.
pub trait Memory: Any + Send + Sync {
    /// Returns the secret.
    fn value(&self) -> &str;
}

/// Names of the members with a [`Secret`], in the whole protocol. A test compares the list with the
/// schema, so that a new member cannot be forgotten.
pub const SENSITIVE_MEMBERS: &[&str] = &[
    "accessToken",
    "apiKey",
    "authToken",
    "bearer",
    "idToken",
    "redirectUrl",
    "token",
];

/// Returns whether a member of that name contains a secret.
#[must_use]
pub fn is_sensitive(member: &str) -> bool {
    SENSITIVE_MEMBERS.contains(&member)
}

impl Secret {
    /// Returns the value. Call it directly before its use.
    #[must_use]
    pub fn expose(&self) -> &str {
        match &self.0 {
            Place::Heap(value) => value,
            Place::Elsewhere(memory) => memory.value(),
        }
    }

    /// Returns the length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.expose().len()
    }

    /// Returns whether the length is zero.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }

    /// Returns a copy, which is wiped separately. Explicit, because there is no `Clone`.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self::from(self.expose())
    }

    /// Moves the value to memory of another kind, and wipes its old place.
    #[must_use]
    pub fn moved(self, to: impl FnOnce(&str) -> Box<dyn Memory>) -> Self {
        Self(Place::Elsewhere(to(self.expose())))
    }

    /// Returns the memory that the value was moved to, if it is of that kind.
    #[must_use]
    pub fn memory<M: Memory>(&self) -> Option<&M> {
        match &self.0 {
            Place::Heap(_) => None,
            Place::Elsewhere(memory) => (&**memory as &dyn Any).downcast_ref(),
        }
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        if let Place::Heap(value) = &mut self.0 {
            value.zeroize();
        }
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self(Place::Heap(value.into()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    /// Copies the string straight from the input into one exact-size allocation.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SecretVisitor;

        impl Visitor<'_> for SecretVisitor {
            type Value = Secret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: Error>(self, value: &str) -> Result<Secret, E> {
                Ok(Secret::from(value))
            }

            fn visit_string<E: Error>(self, mut value: String) -> Result<Secret, E> {
                let secret = Secret::from(value.as_str());
                value.zeroize();
                Ok(secret)
            }
        }

        deserializer.deserialize_str(SecretVisitor)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Secret {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "password",
            "writeOnly": true,
            "x-sensitive": true,
        })
    }
}

/// Serialises a secret. Only members whose purpose is to carry a token use it, with
/// `#[serde(serialize_with = "expose_on_the_wire")]`.
///
/// # Errors
///
/// Those of the serializer.
pub fn expose_on_the_wire<S: serde::Serializer>(
    secret: &Secret,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

/// Like [`expose_on_the_wire`], for an optional member (`null`).
///
/// # Errors
///
/// Those of the serializer.
pub fn expose_optional_on_the_wire<S: serde::Serializer>(
    secret: &Option<Secret>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match secret {
        Some(secret) => serializer.serialize_some(secret.expose()),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Memory, SENSITIVE_MEMBERS, Secret};

    /// Searches the sources of this crate for members with a secret.
    #[test]
    fn every_member_that_holds_a_secret_is_listed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
        let mut members = BTreeSet::new();
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.ends_with("secret.rs") || path.is_dir() {
                continue;
            }
            for line in std::fs::read_to_string(path).unwrap().lines() {
                let line = line.trim().trim_end_matches(',');
                let Some((name, "Secret" | "Option<Secret>")) = line.split_once(": ") else {
                    continue;
                };
                let name = name.rsplit(' ').next().unwrap_or_default();
                members.insert(camel_case(name));
            }
        }
        let listed = SENSITIVE_MEMBERS.iter().map(|member| (*member).to_owned());
        assert_eq!(members, listed.collect());
    }

    fn camel_case(name: &str) -> String {
        let mut words = name.split('_').map(str::to_owned);
        let first = words.next().unwrap_or_default();
        let capitalised = |mut word: String| {
            let end = word.len().min(1);
            word.get_mut(..end).map(str::make_ascii_uppercase);
            word
        };
        first + &words.map(capitalised).collect::<String>()
    }

    #[test]
    fn debug_shows_nothing_of_the_value() {
        let secret = Secret::from("made-up-value");
        assert_eq!(format!("{secret:?}"), "Secret(redacted)");
    }

    #[test]
    fn a_secret_that_was_moved_reads_as_before() {
        struct Elsewhere(String);

        impl Memory for Elsewhere {
            fn value(&self) -> &str {
                &self.0
            }
        }

        let secret = Secret::from("made-up-value");
        assert!(secret.memory::<Elsewhere>().is_none());
        let moved = secret.moved(|value| Box::new(Elsewhere(value.to_owned())));
        assert_eq!((moved.expose(), moved.len()), ("made-up-value", 13));
        assert_eq!(moved.memory::<Elsewhere>().unwrap().0, "made-up-value");
        assert_eq!(moved.duplicate().expose(), "made-up-value");
    }

    #[test]
    fn escaped_and_plain_strings_are_both_taken() {
        let plain: Secret = serde_json::from_str(r#""a.b""#).unwrap();
        let escaped: Secret = serde_json::from_str(r#""a\u002eb""#).unwrap();
        assert_eq!(plain.expose(), "a.b");
        assert_eq!(escaped.expose(), "a.b");
    }
}
