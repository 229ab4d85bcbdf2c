//! The same schemas in draft-07, in the manner of codex: constants are enumerations with one
//! value, and alternatives have titles that name them.

use serde_json::{Map, Value, json};

use crate::names::pascal;

/// Rewrites a bundle, or the schema of one type.
#[must_use]
pub fn from_2020_12(schema: &Value) -> Value {
    let mut older = rewrite(schema);
    if let Some(parts) = older.as_object_mut() {
        parts["$schema"] = json!("http://json-schema.org/draft-07/schema#");
        if let Some(name) = parts["title"].as_str().map(ToOwned::to_owned) {
            add_titles(&name, parts);
        }
        if let Some(definitions) = parts.get_mut("definitions").and_then(Value::as_object_mut) {
            for (name, schema) in definitions {
                if let Some(parts) = schema.as_object_mut() {
                    add_titles(name, parts);
                }
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
                        // What stands beside a reference is ignored in draft-07.
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

/// Titles for the alternatives of a type: `ChatgptAccount`, and `ChatgptAccountType` for the
/// member that tells.
fn add_titles(name: &str, schema: &mut Map<String, Value>) {
    let alternatives = schema.get_mut("oneOf").and_then(Value::as_array_mut);
    for alternative in alternatives.into_iter().flatten() {
        let Some(properties) = alternative
            .get_mut("properties")
            .and_then(Value::as_object_mut)
        else {
            continue;
        };
        let mut title = None;
        for (member, schema) in properties.iter_mut() {
            let value = schema["enum"].as_array().and_then(|values| values.first());
            if let Some(value) = value.and_then(Value::as_str) {
                let variant = format!("{}{name}", pascal(value));
                schema["title"] = format!("{variant}{}", pascal(member)).into();
                title = Some(variant);
            }
        }
        let key = properties.keys().next();
        let title = title.or(key.map(|key| format!("{}{name}", pascal(key))));
        alternative["title"] = title.into();
    }
}
