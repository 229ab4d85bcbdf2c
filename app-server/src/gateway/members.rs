//! The members of a JSON object, borrowed from its text: a body may have 64 MiB.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Most members of an object; one with more is not looked into. A request has about thirty.
const MAX_MEMBERS: usize = 256;

/// The members of an object, borrowed from its text.
pub(super) struct Members<'a>(pub(super) Vec<(&'a str, &'a RawValue)>);

impl<'a> Members<'a> {
    /// Parses an object; `None` if it is none, has too many, or has a name with an escape.
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
                    if all.len() == MAX_MEMBERS {
                        return Err(A::Error::custom("too many members"));
                    }
                    all.push(entry);
                }
                Ok(Members(all))
            }
        }

        deserializer.deserialize_map(All)
    }
}

/// What is read of an item of a conversation.
#[derive(Deserialize)]
pub(super) struct Item<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) role: Option<&'a RawValue>,
}

impl<'a> Item<'a> {
    /// Parses an item; `None` if it is no object, or has one of both twice.
    pub(super) fn of(item: &'a RawValue) -> Option<Self> {
        // A list would be read as the values of the members.
        let text = item.get();
        serde_json::from_str(text)
            .ok()
            .filter(|_| text.starts_with('{'))
    }

    /// Returns whether the model wrote it, so that it is the output of an earlier turn.
    pub(super) fn is_of_the_model(&self) -> bool {
        let text = |value: Option<&'a RawValue>| -> String {
            let text = value.and_then(|value| serde_json::from_str(value.get()).ok());
            text.unwrap_or_default()
        };
        let kind = text(self.kind);
        kind == "reasoning" || kind.ends_with("_call") || text(self.role) == "assistant"
    }
}

/// Calls a function with each item of a list, or with a value that is none. Nothing is collected: a
/// list may have half as many items as its text has bytes.
pub(super) fn each_item<'a>(list: &'a RawValue, see: impl FnMut(&'a RawValue)) {
    struct Each<F>(F);

    impl<'de, F: FnMut(&'de RawValue)> Visitor<'de> for Each<F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
            while let Some(item) = list.next_element()? {
                (self.0)(item);
            }
            Ok(())
        }
    }

    let mut each = Each(see);
    if list.get().starts_with('[') {
        // What is a value of JSON is a list to its end.
        drop(serde_json::Deserializer::from_str(list.get()).deserialize_seq(each));
    } else {
        (each.0)(list);
    }
}

/// Returns where a part of a text begins.
pub(super) fn offset(text: &str, part: &str) -> Option<usize> {
    let begin = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    (begin + part.len() <= text.len()).then_some(begin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_with_too_many_members_is_not_looked_into() {
        let object = |count: usize| format!("{{{}}}", vec![r#""a":0"#; count].join(","));
        let full = object(MAX_MEMBERS);
        assert_eq!(Members::of(&full).unwrap().0.len(), MAX_MEMBERS);
        assert!(Members::of(&object(MAX_MEMBERS + 1)).is_none());
    }

    #[test]
    fn items_are_seen_one_by_one() {
        let seen = |text: &str| {
            let value: &RawValue = serde_json::from_str(text).unwrap();
            let mut seen = Vec::new();
            each_item(value, |item| seen.push(item.get().to_owned()));
            seen
        };
        assert_eq!(seen(r#"[1, {"a":[]} ,[2]]"#), ["1", r#"{"a":[]}"#, "[2]"]);
        assert_eq!(seen(r#""text""#), [r#""text""#]);
        assert!(seen("[]").is_empty());
    }

    #[test]
    fn what_the_model_wrote_is_recognised() {
        let is = |text: &str| {
            let item: &RawValue = serde_json::from_str(text).unwrap();
            Item::of(item).is_some_and(|item| item.is_of_the_model())
        };
        for written in [
            r#"{"type":"reasoning"}"#,
            r#"{"type":"function_call"}"#,
            r#"{"role":"assistant","content":[]}"#,
        ] {
            assert!(is(written), "{written}");
        }
        for other in [
            r#"{"role":"user"}"#,
            r#"{"type":"function_call_output"}"#,
            r#"["reasoning","assistant"]"#,
            "7",
        ] {
            assert!(!is(other), "{other}");
        }
    }
}
