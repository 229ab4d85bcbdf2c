//! The members of a JSON object, as they stand in the file.

use std::collections::BTreeMap;
use std::fmt;

use byokey_protocol::secret::Secret;
use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// Members by their names. A name that stands twice is refused: two readers could take it for two
/// accounts.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(super) struct Members(BTreeMap<String, Box<RawValue>>);

impl Members {
    /// A member; none if it is absent or null. The outer none says that it has another type.
    pub(super) fn get<T: DeserializeOwned>(&self, name: &str) -> Option<Option<T>> {
        self.0
            .get(name)
            .map_or(Some(None), |value| serde_json::from_str(value.get()).ok())
    }

    /// A secret without the white space around it; none if nothing is left. The outer none says
    /// that it has another type.
    pub(super) fn secret(&self, name: &str) -> Option<Option<Secret>> {
        let found = self.get::<Secret>(name)?;
        Some(found.and_then(|secret| {
            // EXPOSE: what is left is a secret again.
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

    /// A text that is not needed: one that is blank or has another type is absent.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let text = self.get::<String>(name)??;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Whether there is a member of that name that is not null.
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
                return Err(A::Error::custom("a member stands twice"));
            }
        }
        Ok(Members(members))
    }
}
