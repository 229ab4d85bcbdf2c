//! The same schemas in draft-07, in codex's manner: constants are enumerations with one value, and
//! discriminator members have titles.

use serde_json::{Map, Value, json};

use crate::names::pascal;

/// Converts a bundle, or the schema of one type.
#[must_use]
pub fn from_2020_12(schema: &Value) -> Value {
    let mut older = rewrite(schema);
    if let Some(parts) = older.as_object_mut() {
        parts["$schema"] = json!("http://json-schema.org/draft-07/schema#");
        add_titles(parts);
        if let Some(definitions) = parts.get_mut("definitions").and_then(Value::as_object_mut) {
            for parts in definitions.values_mut().filter_map(Value::as_object_mut) {
                add_titles(parts);
            }
        }
    }
    older
}

fn rewrite(schema: &Value) -> Value {
    match schema {
        Value::Object(parts) => {
            let mut older = Map::new();
            for (name, part) in parts {
                match (name.as_str(), part) {
                    ("$defs", part) => older.insert("definitions".to_owned(), rewrite(part)),
                    ("const", part) => older.insert("enum".to_owned(), json!([part])),
                    ("$ref", Value::String(to)) => {
                        let reference = json!({"$ref": to.replace("#/$defs/", "#/definitions/")});
                        // Draft-07 ignores members beside a reference.
                        older.insert("allOf".to_owned(), json!([reference]))
                    }
                    (_, part) => older.insert(name.clone(), rewrite(part)),
                };
            }
            match older
                .get("allOf")
                .and_then(Value::as_array)
                .map(Vec::as_slice)
            {
                Some([reference]) if older.len() == 1 => reference.clone(),
                _ => Value::Object(older),
            }
        }
        Value::Array(parts) => parts.iter().map(rewrite).collect(),
        other => other.clone(),
    }
}

/// Adds titles to discriminator members: `ChatgptAccountType`.
fn add_titles(schema: &mut Map<String, Value>) {
    for combinator in ["oneOf", "anyOf"] {
        let alternatives = schema.get_mut(combinator).and_then(Value::as_array_mut);
        for alternative in alternatives.into_iter().flatten() {
            let Some(variant) = alternative["title"].as_str().map(ToOwned::to_owned) else {
                continue;
            };
            let properties = alternative.get_mut("properties");
            let properties = properties.and_then(Value::as_object_mut);
            for (member, schema) in properties.into_iter().flatten() {
                if schema["enum"].is_array() {
                    schema["title"] = format!("{variant}{}", pascal(member)).into();
                }
            }
        }
    }
}
