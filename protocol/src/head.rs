//! The beginning of a message that is too long to be parsed.

use std::fmt;

use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use crate::request_id::RequestId;

/// Returns the id of a request from the first bytes of its text, if they contain it.
///
/// The text is truncated. Members are parsed in order up to that place, so the id is found if
/// everything before it is short. Responses and notifications have none.
#[must_use]
pub fn request_id(head: &[u8]) -> Option<RequestId> {
    let mut found = Found::default();
    let mut reader = serde_json::Deserializer::from_slice(head);
    // The text is truncated, so parsing ends with an error.
    drop(reader.deserialize_map(HeadVisitor(&mut found)));
    let is_request = found.has_request_member && !found.has_answer_member;
    found.id.filter(|_| is_request && found.is_id_whole)
}

#[derive(Default)]
struct Found {
    id: Option<RequestId>,
    /// Whether another member follows: the text may be truncated within a number.
    is_id_whole: bool,
    has_request_member: bool,
    has_answer_member: bool,
}

struct HeadVisitor<'a>(&'a mut Found);

impl<'de> Visitor<'de> for HeadVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<&str>()? {
            self.0.is_id_whole |= self.0.id.is_some();
            match name {
                "id" if self.0.id.is_some() => {
                    self.0.id = None;
                    return Err(A::Error::custom("a member is repeated"));
                }
                "id" => {
                    self.0.id = Some(map.next_value()?);
                    continue;
                }
                "method" | "params" => self.0.has_request_member = true,
                "result" | "error" => self.0.has_answer_member = true,
                _ => {}
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::request_id;

    #[test]
    fn the_id_of_a_request_is_found_in_its_first_bytes() {
        for (head, id) in [
            (
                r#"{"id":7,"method":"turn/start","params":{"x":"aaa"#,
                Some("7"),
            ),
            (
                r#"{"jsonrpc":"2.0","method":"m","id":"a","params":{"#,
                Some("a"),
            ),
            (
                r#" {"params":{"a":[1,{}]},"id":-3,"method":"m","x":""#,
                Some("-3"),
            ),
            (r#"{"id":7,"params":{"text":"aaa"#, Some("7")),
            (r#"{"method":"m","params":{"text":"aaa"#, None),
            (r#"{"id":7,"result":{"text":"aaa"#, None),
            (r#"{"id":7,"error":{"text":"aaa"#, None),
            (r#"{"id":7,"method":"m","id":8,"params":"aaa"#, None),
            (r#"{"id":1.5,"method":"m","params":"aaa"#, None),
            (r#"{"method":"m","id":7"#, None),
            (r#"{"id":"aaa"#, None),
            (r#"{"id":7"#, None),
            (r#"[{"id":7,"method":"m"}"#, None),
            ("aaa", None),
            ("", None),
        ] {
            let found = request_id(head.as_bytes()).map(|id| id.to_string());
            assert_eq!(found.as_deref(), id, "{head}");
        }
    }
}
