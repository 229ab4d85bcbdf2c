//! The members of a JSON object, verbatim.

use std::collections::BTreeMap;
use std::fmt;

use byokey_protocol::secret::Secret;
use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// Members by name. A duplicate name is refused: two readers could see two accounts.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(super) struct Members(BTreeMap<String, Box<RawValue>>);

impl Members {
    /// Returns a member; `Some(None)` if it is absent or null, `None` if it has another type.
    pub(super) fn get<T: DeserializeOwned>(&self, name: &str) -> Option<Option<T>> {
        self.0
            .get(name)
            .map_or(Some(None), |value| serde_json::from_str(value.get()).ok())
    }

    /// Returns a trimmed secret; `Some(None)` if it is absent or blank, `None` if it has another
    /// type.
    pub(super) fn secret(&self, name: &str) -> Option<Option<Secret>> {
        let found = self.get::<Secret>(name)?;
        Some(found.and_then(|secret| {
            // EXPOSE: the result is a secret again.
            let trimmed = secret.expose().trim();
            if trimmed.is_empty() {
                None
            } else if trimmed.len() == secret.expose().len() {
                Some(secret)
            } else {
                Some(Secret::from(trimmed))
            }
        }))
    }

    /// Returns an optional text: one that is blank or has another type is absent.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let text = self.get::<String>(name)??;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Returns whether a member exists and is not null.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| value.get() != "null")
    }

    pub(super) fn put(&mut self, name: &str, value: &impl Serialize) -> Option<()> {
        self.insert(name, serde_json::value::to_raw_value(value).ok()?);
        Some(())
    }

    pub(super) fn insert(&mut self, name: &str, value: Box<RawValue>) {
        self.0.insert(name.to_owned(), value);
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<Box<RawValue>> {
        self.0.remove(name)
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Once)
    }
}

struct Once;

impl<'de> Visitor<'de> for Once {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("a duplicate member"));
            }
        }
        Ok(Members(members))
    }
}
