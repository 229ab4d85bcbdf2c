//! The id of a request: a string or a signed 64-bit integer, echoed exactly.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

/// Longest id of a request, in bytes. Each request in flight stores its id, and its response
/// repeats it, so without a limit a peer could fill memory.
pub const MAX_ID_BYTES: usize = 256;

/// The id of a request, unique among those that one side has in flight on a connection.
///
/// JSON-RPC 2.0 section 4 allows more; codex accepts exactly these two kinds, and so does this
/// server. The two sides number their requests independently.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RequestId {
    /// An integer.
    Integer(i64),
    /// Any string of at most [`MAX_ID_BYTES`] bytes, the empty one included.
    String(String),
}

impl From<i64> for RequestId {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<&str> for RequestId {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => value.fmt(f),
            Self::String(value) => value.fmt(f),
        }
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Integer(value) => serializer.serialize_i64(*value),
            Self::String(value) => serializer.serialize_str(value),
        }
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;

        impl Visitor<'_> for IdVisitor {
            type Value = RequestId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a 64-bit integer")
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<RequestId, E> {
                Ok(RequestId::Integer(value))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<RequestId, E> {
                i64::try_from(value)
                    .map(RequestId::Integer)
                    .map_err(|_| E::custom("the id is larger than a signed 64-bit integer"))
            }

            fn visit_str<E: Error>(self, value: &str) -> Result<RequestId, E> {
                if value.len() > MAX_ID_BYTES {
                    return Err(E::custom("the id is longer than 256 bytes"));
                }
                Ok(RequestId::from(value))
            }
        }

        deserializer.deserialize_any(IdVisitor)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for RequestId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RequestId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A string or a signed 64-bit integer.",
            "anyOf": [{"type": "string"}, {"type": "integer", "format": "int64"}],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::RequestId;

    #[test]
    fn accepted_ids_are_echoed_exactly() {
        for text in [
            "0",
            "-1",
            "9007199254740993",
            "-9223372036854775808",
            r#""""#,
            r#""abc""#,
        ] {
            let id: RequestId = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&id).unwrap(), text);
        }
    }

    #[test]
    fn other_ids_are_refused() {
        for text in ["1.5", "true", "{}", "9223372036854775808", "null", "[1]"] {
            assert!(serde_json::from_str::<RequestId>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_id_of_at_most_256_bytes_is_accepted() {
        let id = |length| format!("\"{}\"", "i".repeat(length));
        assert!(serde_json::from_str::<RequestId>(&id(super::MAX_ID_BYTES)).is_ok());
        assert!(serde_json::from_str::<RequestId>(&id(super::MAX_ID_BYTES + 1)).is_err());
    }
}
