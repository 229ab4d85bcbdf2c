//! A value that must not be shown.

use std::any::Any;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use zeroize::Zeroize;

/// A secret string: wiped when dropped, and never printed, serialised or cloned by accident.
///
/// It has no `Display`, no `Serialize` and no `Clone`, and its `Debug` shows only that it is
/// there. The value leaves through [`Secret::expose`] alone, at the last line before use.
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
/// What is allowed compiles, so the refusals above are about these uses alone:
///
/// ```
/// let secret = byokey_protocol::secret::Secret::from("made-up");
/// println!("{secret:?}");
/// serde_json::to_string(secret.expose()).unwrap();
/// let _copy = secret.duplicate();
/// ```
pub struct Secret(Place);

/// Where the value is.
enum Place {
    /// In one allocation of its exact size.
    Heap(Box<str>),
    /// In memory of another kind.
    Elsewhere(Box<dyn Memory>),
}

/// Memory of another kind that holds a secret. It wipes what it holds when it is dropped.
pub trait Memory: Any + Send + Sync {
    /// The secret.
    fn value(&self) -> &str;
}

/// Names of the members that carry a [`Secret`], anywhere in the protocol. A test compares the
/// list with the schema, so that a new member cannot be forgotten.
pub const SENSITIVE_MEMBERS: &[&str] = &[
    "accessToken",
    "apiKey",
    "authToken",
    "idToken",
    "redirectUrl",
];

/// Whether a member of that name carries a secret.
#[must_use]
pub fn is_sensitive(member: &str) -> bool {
    SENSITIVE_MEMBERS.contains(&member)
}

impl Secret {
    /// The value itself. Every call stands directly before the use of the value.
    #[must_use]
    pub fn expose(&self) -> &str {
        match &self.0 {
            Place::Heap(value) => value,
            Place::Elsewhere(memory) => memory.value(),
        }
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.expose().len()
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }

    /// A second copy, made knowingly: it is wiped on its own.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self::from(self.expose())
    }

    /// Moves the value to memory of another kind, and wipes it where it was.
    #[must_use]
    pub fn moved(self, to: impl FnOnce(&str) -> Box<dyn Memory>) -> Self {
        Self(Place::Elsewhere(to(self.expose())))
    }

    /// The memory that the value was moved to, if it is of that kind.
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
    /// Takes the string straight from the input into one exact-size allocation.
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

/// Writes a secret on the wire. Only members whose purpose is to carry a token name it, with
/// `#[serde(serialize_with = "expose_on_the_wire")]`.
///
/// # Errors
///
/// Whatever the serializer reports.
pub fn expose_on_the_wire<S: serde::Serializer>(
    secret: &Secret,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

/// As [`expose_on_the_wire`], for a member that may be absent (`null`).
///
/// # Errors
///
/// Whatever the serializer reports.
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

    /// Reads the sources of this crate for members that hold a secret.
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
