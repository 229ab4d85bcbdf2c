//! The wire without descriptions: the part of the schema whose changes can break peers.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use byokey_protocol::methods::METHODS;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::Result;
use crate::meta;
use crate::model::Type;

/// The methods and types of one state of the protocol.
#[derive(Clone, Debug)]
pub struct Wire {
    /// The methods by name.
    pub methods: BTreeMap<String, Method>,
    /// The types by name.
    pub types: BTreeMap<String, Type>,
}

/// The types of a method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// Its sender.
    pub direction: String,
    /// Name of the type of its parameters.
    pub params: String,
    /// Name of the type of its result.
    pub result: Option<String>,
}

/// Returns the wire as JSON, without any description.
#[must_use]
pub fn of(definitions: &Map<String, Value>) -> Value {
    let method = |method: &byokey_protocol::methods::MethodInfo| {
        json!({
            "direction": meta::direction(method.direction),
            "params": method.params,
            "result": method.result,
        })
    };
    let methods = METHODS.iter().map(|one| (one.name.to_owned(), method(one)));
    let mut types = Value::Object(definitions.clone());
    remove_descriptions(&mut types);
    json!({"methods": methods.collect::<Map<_, _>>(), "types": types})
}

/// Returns a short digest of a state of the wire.
#[must_use]
pub fn digest(wire: &Value) -> String {
    let mut sorted = wire.clone();
    sorted.sort_all_objects();
    let mut text = String::new();
    for byte in Sha256::digest(sorted.to_string()).iter().take(6) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

impl Wire {
    /// Reads the output of [`of`].
    ///
    /// # Errors
    ///
    /// It has another form.
    pub fn read(wire: &Value) -> Result<Self> {
        let malformed = || "this is not a state of the wire".to_owned();
        let mut read = Self {
            methods: BTreeMap::new(),
            types: BTreeMap::new(),
        };
        for (name, method) in wire["methods"].as_object().ok_or_else(malformed)? {
            let part = |name: &str| method[name].as_str().map(ToOwned::to_owned);
            let method = Method {
                direction: part("direction").ok_or_else(malformed)?,
                params: part("params").ok_or_else(malformed)?,
                result: part("result"),
            };
            read.methods.insert(name.clone(), method);
        }
        for (name, schema) in wire["types"].as_object().ok_or_else(malformed)? {
            read.types.insert(name.clone(), Type::read(name, schema)?);
        }
        Ok(read)
    }
}

/// Removes descriptions, but no member of that name.
fn remove_descriptions(schema: &mut Value) {
    match schema {
        Value::Object(parts) => {
            if parts.get("description").is_some_and(Value::is_string) {
                parts.remove("description");
            }
            parts.values_mut().for_each(remove_descriptions);
        }
        Value::Array(parts) => parts.iter_mut().for_each(remove_descriptions),
        _ => {}
    }
}
