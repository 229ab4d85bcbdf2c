//! The members of a JSON object, borrowed from its text: a body may have 64 MiB.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object, borrowed from its text.
pub(super) struct Members<'a>(pub(super) Vec<(&'a str, &'a RawValue)>);

impl<'a> Members<'a> {
    /// Parses an object; `None` if it is none, or has a name with an escape.
    pub(super) fn of(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Returns the value of a member.
    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        let found = self.0.iter().find(|(other, _)| *other == name);
        found.map(|(_, value)| *value)
    }

    /// Returns the text of a member that is one.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.get(name)?.get()).ok()
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;

        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut all = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    all.push(entry);
                }
                Ok(Members(all))
            }
        }

        deserializer.deserialize_map(All)
    }
}

/// Returns where a part of a text begins.
pub(super) fn offset(text: &str, part: &str) -> Option<usize> {
    let begin = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    (begin + part.len() <= text.len()).then_some(begin)
}
