//! JSON Schema files: one per type, and one bundle, as 2020-12 and as draft-07.

pub mod draft_07;
pub mod envelopes;
pub mod open;

use serde_json::{Map, Value, json};

use crate::Result;
use crate::collect::referenced;
use crate::files::Files;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Returns the files. `definitions` are the published schemas of all types and messages.
///
/// # Errors
///
/// A schema cannot be serialised.
pub fn files(definitions: &Map<String, Value>) -> Result<Files> {
    let mut files = Files::new();
    let mut bundle = json!({"$schema": DIALECT, "title": "ByokeyProtocol"});
    if let Some(bundle) = bundle.as_object_mut() {
        bundle.extend(envelopes::root());
    }
    bundle["$defs"] = Value::Object(definitions.clone());
    let older = draft_07::from_2020_12(&bundle);
    files.insert("schema/v1/byokey.schemas.json".to_owned(), text(&bundle)?);
    files.insert(
        "schema/v1/draft-07/byokey.schemas.json".to_owned(),
        text(&older)?,
    );
    for name in definitions.keys() {
        let schema = alone(name, definitions);
        let older = draft_07::from_2020_12(&schema);
        files.insert(format!("schema/v1/json/{name}.json"), text(&schema)?);
        files.insert(format!("schema/v1/draft-07/{name}.json"), text(&older)?);
    }
    Ok(files)
}

/// Formats JSON as it is committed.
///
/// # Errors
///
/// It cannot be serialised.
pub fn text(value: &Value) -> Result<String> {
    let text = serde_json::to_string_pretty(value);
    text.map(|text| text + "\n")
        .map_err(|error| error.to_string())
}

/// Returns the schema of one type, with those that it references.
fn alone(name: &str, definitions: &Map<String, Value>) -> Value {
    let mut schema = json!({"$schema": DIALECT, "title": name});
    let mut needed = Vec::new();
    if let (Some(schema), Some(Value::Object(own))) =
        (schema.as_object_mut(), definitions.get(name))
    {
        schema.extend(own.clone());
    }
    let mut open = vec![&schema];
    while let Some(part) = open.pop() {
        references(part, &mut |reference| {
            if !needed.contains(&reference)
                && let Some(schema) = definitions.get(&reference)
            {
                needed.push(reference);
                open.push(schema);
            }
        });
    }
    needed.sort();
    if !needed.is_empty() {
        let needed = needed.into_iter();
        let held = needed.filter_map(|name| Some((name.clone(), definitions.get(&name)?.clone())));
        let held = Value::Object(held.collect());
        schema["$defs"] = held;
    }
    schema
}

/// Finds the names of the types that a schema references.
fn references(schema: &Value, found: &mut impl FnMut(String)) {
    match schema {
        Value::Object(parts) => {
            if let Some(name) = parts.get("$ref").and_then(referenced) {
                found(name.to_owned());
            }
            parts.values().for_each(|part| references(part, found));
        }
        Value::Array(parts) => parts.iter().for_each(|part| references(part, found)),
        _ => {}
    }
}
