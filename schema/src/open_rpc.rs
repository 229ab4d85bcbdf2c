//! The OpenRPC document.
//!
//! OpenRPC only has requests of the client. Here every message has an entry, with its sender in
//! `x-direction`. Its `params` are a list of members, so a tagged type lists the members of all its
//! variants there, and `x-params` references the type itself.

use byokey_protocol::PROTOCOL_VERSION;
use byokey_protocol::methods::{METHODS, MethodInfo, Stability};
use serde_json::{Map, Value, json};

use crate::Result;
use crate::examples::{Example, Examples};
use crate::json_schema::{draft_07, text};
use crate::meta;

/// Returns the file.
///
/// # Errors
///
/// A method has a type without a schema.
pub fn file(definitions: &Map<String, Value>, examples: &Examples) -> Result<String> {
    let bundle = draft_07::from_2020_12(&json!({"title": "", "$schema": "", "$defs": definitions}));
    let mut schemas = bundle["definitions"].clone();
    move_references(&mut schemas);
    let mut methods = Vec::new();
    for method in METHODS {
        let examples = examples.get(method.name).map(Vec::as_slice);
        methods.push(entry(method, &schemas, examples.unwrap_or_default())?);
    }
    text(&json!({
        "openrpc": "1.3.2",
        "info": {
            "title": "byokey app-server",
            "version": PROTOCOL_VERSION,
            "description": "The protocol between a host and `byokey app-server`. Its version \
                            changes only when an old peer could be broken.",
            "license": {"name": "MIT OR Apache-2.0"},
        },
        "methods": methods,
        "components": {"schemas": schemas},
    }))
}

fn entry(method: &MethodInfo, schemas: &Value, examples: &[Example]) -> Result<Value> {
    let schema = schemas.get(method.params);
    let schema = schema.ok_or(format!("`{}` has no schema", method.params))?;
    let mut entry = json!({
        "name": method.name,
        "summary": method.doc.trim(),
        "paramStructure": "by-name",
        "params": params(schema),
        "x-params": reference(method.params),
        "x-direction": meta::direction(method.direction),
        "x-since": method.since,
        "x-stability": meta::stability(method.stability),
    });
    if method.stability == Stability::Deprecated {
        entry["deprecated"] = true.into();
    }
    if let Some(result) = method.result {
        entry["result"] = json!({"name": "result", "schema": reference(result)});
    }
    entry["examples"] = examples.iter().map(pairing).collect();
    Ok(entry)
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Returns the members of an object, or of all variants of a type: required are those required by
/// all of them.
fn params(schema: &Value) -> Value {
    let itself = std::slice::from_ref(schema);
    let union = ["oneOf", "anyOf"]
        .into_iter()
        .find_map(|combinator| schema[combinator].as_array());
    let variants = union.map_or(itself, Vec::as_slice);
    let mut params = Map::new();
    for (variant, name, member) in variants.iter().flat_map(|variant| {
        let properties = variant["properties"].as_object().into_iter().flatten();
        properties.map(move |(name, member)| (variant, name, member))
    }) {
        let requires = |one: &Value| {
            let required = one["required"].as_array().into_iter().flatten();
            required
                .into_iter()
                .any(|required| *required == name.as_str())
        };
        let told_apart = member["enum"].is_array() && variants.len() > 1;
        let schema = if told_apart {
            json!({"type": "string"})
        } else {
            member.clone()
        };
        let mut param = json!({"name": name, "schema": schema});
        param["required"] = variants.iter().all(requires).into();
        let beside = variant["x-property-descriptions"].get(name);
        if let Some(about) = member.get("description").or(beside) {
            param["description"] = about.clone();
        }
        params.entry(name.clone()).or_insert(param);
    }
    // Required ones come first, as positional readers need it.
    let (first, rest): (Vec<_>, Vec<_>) = params
        .into_iter()
        .map(|(_, param)| param)
        .partition(|param| param["required"] == true);
    first.into_iter().chain(rest).collect()
}

fn pairing(example: &Example) -> Value {
    let members = example.params.as_object().into_iter().flatten();
    let params = members.map(|(name, value)| json!({"name": name, "value": value}));
    let mut pairing = json!({"name": example.title, "params": params.collect::<Vec<_>>()});
    if let Some(result) = &example.result {
        pairing["result"] = json!({"name": "result", "value": result});
    }
    pairing
}

fn move_references(schema: &mut Value) {
    match schema {
        Value::Object(parts) => {
            for (name, part) in parts {
                match part {
                    Value::String(to) if name == "$ref" => {
                        *to = to.replace("#/definitions/", "#/components/schemas/");
                    }
                    part => move_references(part),
                }
            }
        }
        Value::Array(parts) => parts.iter_mut().for_each(move_references),
        _ => {}
    }
}
