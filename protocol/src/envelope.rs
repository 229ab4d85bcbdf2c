//! The JSON-RPC envelope: one message, borrowed from the input buffer.
//!
//! Parameters and results stay raw here. They are parsed once, into their type, so that a secret in
//! them is copied only to its final place.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::request_id::RequestId;
use crate::strictness::is_strict;

/// One message from the peer.
#[derive(Debug)]
pub struct Message<'a> {
    /// Whether the message has the `"jsonrpc"` member. Any value is accepted.
    pub has_header: bool,
    /// The kind of message.
    pub kind: Kind<'a>,
}

/// The kinds of message, with the data for routing them.
#[derive(Debug)]
pub enum Kind<'a> {
    /// Expects a response.
    Request {
        /// Identifies the request in its response.
        id: RequestId,
        /// Name of the method.
        method: Cow<'a, str>,
        /// The raw parameters, if the member was present.
        params: Option<&'a RawValue>,
    },
    /// Expects no response.
    Notification {
        /// Name of the method.
        method: Cow<'a, str>,
        /// The raw parameters, if the member was present.
        params: Option<&'a RawValue>,
    },
    /// Answers one of our requests.
    Response {
        /// The id of our request.
        id: RequestId,
        /// The raw result, or the raw error object.
        outcome: Result<&'a RawValue, &'a RawValue>,
    },
    /// Shaped like a response, but unusable. It is never answered, or two peers could echo each
    /// other for ever.
    UselessResponse,
}

/// Why a text is not a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Not JSON (`-32700`).
    NotJson,
    /// JSON, but not a message (`-32600`).
    NotAMessage {
        /// The request's id, if it could be parsed.
        id: Option<RequestId>,
        /// The problem, as a fixed text.
        problem: &'static str,
    },
}

impl Malformed {
    const fn message(problem: &'static str) -> Self {
        Self::NotAMessage { id: None, problem }
    }
}

/// Parses one message.
///
/// # Errors
///
/// [`Malformed`] distinguishes invalid JSON from JSON that is not a message. It contains no part of
/// the text except a valid id.
pub fn parse(text: &str) -> Result<Message<'_>, Malformed> {
    let members: Members<'_> = serde_json::from_str(text).map_err(|error| {
        if !error.is_data() {
            return Malformed::NotJson;
        }
        // Valid JSON of another shape stops the parser early; the rest may still be invalid.
        match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) if text.trim_start().starts_with('[') => {
                Malformed::message("batches are not supported; send one message at a time")
            }
            Ok(_) => Malformed::message("a message must be an object"),
            Err(_) => Malformed::NotJson,
        }
    })?;
    if !is_strict(text) {
        return Err(Malformed::NotJson);
    }
    let has_header = members.has_header;
    members.into_kind().map(|kind| Message { has_header, kind })
}

/// The relevant members of a message.
#[derive(Default)]
struct Members<'a> {
    has_header: bool,
    repeated: bool,
    id: Option<&'a RawValue>,
    method: Option<&'a RawValue>,
    params: Option<&'a RawValue>,
    result: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
}

impl<'a> Members<'a> {
    fn into_kind(self) -> Result<Kind<'a>, Malformed> {
        if self.repeated {
            return Err(Malformed::message("a member is repeated"));
        }
        if self.method.is_none() && (self.result.is_some() || self.error.is_some()) {
            return Ok(self.into_response());
        }
        let id = match self.id {
            None => None,
            Some(raw) => Some(serde_json::from_str::<RequestId>(raw.get()).map_err(|_| {
                Malformed::message("`id` must be a string of up to 256 bytes or a 64-bit integer")
            })?),
        };
        let Some(method) = self.method else {
            return Err(Malformed::NotAMessage {
                id,
                problem: "`method` is missing",
            });
        };
        let Some(method) = borrowed_string(method) else {
            return Err(Malformed::NotAMessage {
                id,
                problem: "`method` must be a string",
            });
        };
        let params = self.params;
        Ok(match id {
            Some(id) => Kind::Request { id, method, params },
            None => Kind::Notification { method, params },
        })
    }

    fn into_response(self) -> Kind<'a> {
        let outcome = match (self.result, self.error) {
            (Some(result), None) => Ok(result),
            (_, Some(error)) => Err(error),
            (None, None) => return Kind::UselessResponse,
        };
        match self.id.map(|raw| serde_json::from_str(raw.get())) {
            Some(Ok(id)) => Kind::Response { id, outcome },
            _ => Kind::UselessResponse,
        }
    }
}

/// Returns a string value: borrowed unless it has escapes.
fn borrowed_string(raw: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<&str>(raw.get())
        .map(Cow::Borrowed)
        .or_else(|_| serde_json::from_str::<String>(raw.get()).map(Cow::Owned))
        .ok()
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Members::default();
                while let Some(key) = map.next_key()? {
                    let slot = match key {
                        Key::Id => &mut members.id,
                        Key::Method => &mut members.method,
                        Key::Params => &mut members.params,
                        Key::Result => &mut members.result,
                        Key::Error => &mut members.error,
                        Key::Header => {
                            members.repeated |= members.has_header;
                            members.has_header = true;
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                        Key::Other => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    members.repeated |= slot.replace(map.next_value()?).is_some();
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

enum Key {
    Header,
    Id,
    Method,
    Params,
    Result,
    Error,
    Other,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;

        impl Visitor<'_> for KeyVisitor {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member name")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Key, E> {
                Ok(match name {
                    "jsonrpc" => Key::Header,
                    "id" => Key::Id,
                    "method" => Key::Method,
                    "params" => Key::Params,
                    "result" => Key::Result,
                    "error" => Key::Error,
                    _ => Key::Other,
                })
            }
        }

        deserializer.deserialize_identifier(KeyVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Malformed, parse};
    use crate::request_id::RequestId;

    fn problem(text: &str) -> (Option<RequestId>, &'static str) {
        match parse(text) {
            Err(Malformed::NotAMessage { id, problem }) => (id, problem),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn the_four_shapes_are_distinguished() {
        let kind = |text| parse(text).unwrap().kind;
        assert!(matches!(
            kind(r#"{"id":1,"method":"m"}"#),
            Kind::Request { params: None, .. }
        ));
        assert!(matches!(
            kind(r#"{"method":"m","params":{}}"#),
            Kind::Notification { .. }
        ));
        assert!(matches!(
            kind(r#"{"id":"a","result":null}"#),
            Kind::Response { .. }
        ));
        assert!(matches!(
            kind(r#"{"id":1,"error":{"code":-1,"message":""}}"#),
            Kind::Response {
                outcome: Err(_),
                ..
            }
        ));
        assert!(matches!(
            kind(r#"{"id":null,"result":1}"#),
            Kind::UselessResponse
        ));
    }

    #[test]
    fn the_header_is_noticed_and_not_required() {
        assert!(
            parse(r#"{"jsonrpc":"1.0","method":"m"}"#)
                .unwrap()
                .has_header
        );
        assert!(!parse(r#"{"method":"m","extra":[1]}"#).unwrap().has_header);
    }

    #[test]
    fn invalid_json_is_distinguished_from_json_that_is_not_a_message() {
        for text in [
            "garbage",
            r#"{"id":1"#,
            "[1,",
            "{\"a\":\"\u{0}\"}",
            r#"{"m":"\ud800"}"#,
        ] {
            assert_eq!(parse(text).unwrap_err(), Malformed::NotJson, "{text}");
        }
        assert_eq!(
            problem("[]").1,
            "batches are not supported; send one message at a time"
        );
        assert_eq!(problem("1").1, "a message must be an object");
        assert_eq!(
            problem(r#"{"id":1}"#),
            (Some(1.into()), "`method` is missing")
        );
        assert_eq!(
            problem(r#"{"id":1,"method":5}"#),
            (Some(1.into()), "`method` must be a string")
        );
        assert_eq!(
            problem(r#"{"id":1,"id":2,"method":"m"}"#).1,
            "a member is repeated"
        );
        assert!(
            problem(r#"{"id":1.5,"method":"m"}"#)
                .1
                .starts_with("`id` must be")
        );
        assert!(
            problem(r#"{"id":null,"method":"m"}"#)
                .1
                .starts_with("`id` must be")
        );
    }
}
