//! The published form of the schemas: open wherever the protocol is.
//!
//! A generator writes code for a closed list of words or variants that refuses messages of a newer
//! server. So words are published as strings with their known values beside them
//! (`x-known-values`), and a union that the server writes has a last branch that accepts an unknown
//! tag (`x-open`). Variants have titles, because generators name types after them.
//!
//! Two more properties of generators are considered. Members beside a `$ref` make some of them
//! declare the type a second time (`Turn1`), so descriptions of such members are in
//! `x-property-descriptions` of their owner. And a nullable value is `oneOf`, because some cannot
//! merge `anyOf` with nested unions.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::names::pascal;

/// Returns the published form of all types. `written` names those that the server writes: a type
/// that it only reads stays closed, because it refuses unknown variants.
#[must_use]
pub fn published(
    definitions: &Map<String, Value>,
    written: &BTreeSet<String>,
) -> Map<String, Value> {
    let open = |(name, schema): (&String, &Value)| {
        let mut schema = published_type(name, schema, written.contains(name));
        suit_generators(&mut schema);
        (name.clone(), schema)
    };
    definitions.iter().map(open).collect()
}

fn published_type(name: &str, schema: &Value, is_written: bool) -> Value {
    let mut published = schema.clone();
    let Some(parts) = published.as_object_mut() else {
        return published;
    };
    if let Some(Value::Array(values)) = parts.remove("enum") {
        parts.insert("x-known-values".to_owned(), values.into());
        return published;
    }
    let Some(Value::Array(alternatives)) = parts.remove("oneOf") else {
        return published;
    };
    let (words, variants): (Vec<_>, Vec<_>) = alternatives
        .into_iter()
        .partition(|alternative| alternative["const"].is_string());
    if variants.is_empty() {
        parts.extend(known_values(&words));
        return published;
    }
    let mut branches = Vec::new();
    if !words.is_empty() {
        let mut word = known_values(&words);
        word.insert("title".to_owned(), format!("{name}Word").into());
        branches.push(Value::Object(word));
    }
    let tag = variants.iter().find_map(tag).map(|(tag, _)| tag.to_owned());
    branches.extend(variants.into_iter().map(|variant| titled(name, variant)));
    let combinator = if is_written {
        branches.push(open_branch(name, tag.as_deref()));
        "anyOf"
    } else {
        "oneOf"
    };
    parts.insert(combinator.to_owned(), branches.into());
    published
}

/// Returns a string schema with the known values, and their descriptions.
fn known_values(words: &[Value]) -> Map<String, Value> {
    let values: Vec<_> = words.iter().map(|word| word["const"].clone()).collect();
    let meanings = words.iter().filter_map(|word| {
        let value = word["const"].as_str()?;
        Some((value.to_owned(), word.get("description")?.clone()))
    });
    let meanings: Map<_, _> = meanings.collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), "string".into());
    schema.insert("x-known-values".to_owned(), values.into());
    if !meanings.is_empty() {
        schema.insert("x-known-value-descriptions".to_owned(), meanings.into());
    }
    schema
}

/// Adds the title `<Value><Type>` to a variant: `ChatgptAccount`.
fn titled(name: &str, variant: Value) -> Value {
    let key = variant["properties"].as_object();
    let key = key.and_then(|properties| properties.keys().next().cloned());
    let value = tag(&variant).map(|(_, value)| value.to_owned()).or(key);
    let mut titled = Map::new();
    let title = format!("{}{name}", pascal(&value.unwrap_or_default()));
    titled.insert("title".to_owned(), title.into());
    if let Value::Object(parts) = variant {
        titled.extend(parts);
    }
    Value::Object(titled)
}

/// Returns the discriminator of a variant: the member and its value.
fn tag(variant: &Value) -> Option<(&str, &str)> {
    let mut properties = variant["properties"].as_object()?.iter();
    properties.find_map(|(name, schema)| Some((name.as_str(), schema["const"].as_str()?)))
}

/// Returns the schema of a newer server's variant.
fn open_branch(name: &str, tag: Option<&str>) -> Value {
    let mut branch = json!({
        "title": format!("Unknown{name}"),
        "type": "object",
        "description": "A variant that a newer server knows. Ignore it, or keep it as it came.",
        "x-open": true,
    });
    if let Some(tag) = tag {
        branch["properties"] = json!({tag: {"type": "string"}});
        branch["required"] = json!([tag]);
    }
    branch
}

/// Rewrites nullable references to `oneOf`, and moves descriptions away from references.
fn suit_generators(schema: &mut Value) {
    if let Value::Array(parts) = schema {
        return parts.iter_mut().for_each(suit_generators);
    }
    let Value::Object(parts) = schema else {
        return;
    };
    let is_nullable = parts.get("anyOf").and_then(Value::as_array);
    if is_nullable.is_some_and(|all| all.len() == 2 && all.iter().any(|one| one["type"] == "null"))
        && let Some(alternatives) = parts.remove("anyOf")
    {
        parts.insert("oneOf".to_owned(), alternatives);
    }
    let mut descriptions = Map::new();
    let members = parts.get_mut("properties").and_then(Value::as_object_mut);
    for (name, member) in members.into_iter().flatten() {
        if let Some(member) = member.as_object_mut().filter(|it| it.contains_key("$ref"))
            && let Some(description) = member.remove("description")
        {
            descriptions.insert(name.clone(), description);
        }
    }
    if !descriptions.is_empty() {
        parts.insert("x-property-descriptions".to_owned(), descriptions.into());
    }
    parts.values_mut().for_each(suit_generators);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{published_type, suit_generators};

    #[test]
    fn nothing_stands_beside_a_reference_and_what_may_be_null_is_one_of() {
        let mut schema = json!({"type": "object", "properties": {
            "plan": {"$ref": "#/$defs/Plan", "description": "The plan."},
            "email": {"anyOf": [{"$ref": "#/$defs/Email"}, {"type": "null"}]},
        }});
        suit_generators(&mut schema);
        let expected = json!({"type": "object", "properties": {
            "plan": {"$ref": "#/$defs/Plan"},
            "email": {"oneOf": [{"$ref": "#/$defs/Email"}, {"type": "null"}]},
        }, "x-property-descriptions": {"plan": "The plan."}});
        assert_eq!(schema, expected);
    }

    #[test]
    fn words_become_strings_with_known_values() {
        let words = json!({"oneOf": [
            {"type": "string", "const": "a", "description": "The first."},
            {"type": "string", "const": "b"},
        ], "description": "A word."});
        let published = json!({
            "description": "A word.",
            "type": "string",
            "x-known-values": ["a", "b"],
            "x-known-value-descriptions": {"a": "The first."},
        });
        assert_eq!(published_type("Word", &words, true), published);
        let bare = json!({"type": "string", "enum": ["a"]});
        let published = json!({"type": "string", "x-known-values": ["a"]});
        assert_eq!(published_type("Word", &bare, false), published);
    }

    #[test]
    fn unions_are_open_where_the_server_writes_them() {
        let union = json!({"oneOf": [
            {"type": "object", "properties": {"type": {"type": "string", "const": "apiKey"}}},
        ]});
        let written = published_type("Account", &union, true);
        assert_eq!(written["anyOf"][0]["title"], "ApiKeyAccount");
        assert_eq!(written["anyOf"][1]["title"], "UnknownAccount");
        assert_eq!(written["anyOf"][1]["required"], json!(["type"]));
        let read = published_type("Account", &union, false);
        assert_eq!(read["oneOf"].as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn keyed_unions_have_a_branch_for_words_and_one_for_unknown_objects() {
        let keyed = json!({"oneOf": [
            {"type": "string", "const": "other"},
            {"type": "object", "properties": {"httpFailed": {"type": "object"}}},
        ]});
        let published = published_type("Info", &keyed, true);
        let titles: Vec<_> = (0..3).map(|at| &published["anyOf"][at]["title"]).collect();
        assert_eq!(titles, ["InfoWord", "HttpFailedInfo", "UnknownInfo"]);
        assert_eq!(published["anyOf"][2].get("required"), None);
    }
}
