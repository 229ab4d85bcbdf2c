//! Collects the JSON Schema 2020-12 of the Rust types: one schema per type, by name.

use std::collections::BTreeSet;

use byokey_protocol::methods::{TypeVisitor, visit_types};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::Result;

/// Returns the schemas of all types on the wire, in the order of the method table.
///
/// A type that the server reads is described as it accepts it, one that it writes as it writes it.
/// A type in both directions is described as it is read, the looser of the two.
///
/// # Errors
///
/// A schema that cannot be converted to the simple form that the rest of this crate reads.
pub fn definitions() -> Result<Map<String, Value>> {
    let mut types = Types::visited();
    let mut definitions = types.read.take_definitions(true);
    for (name, schema) in types.written.take_definitions(true) {
        definitions.entry(name).or_insert(schema);
    }
    let plain = definitions.clone();
    for schema in definitions.values_mut() {
        merge_references(schema, &plain)?;
        reflow_descriptions(schema);
    }
    Ok(definitions)
}

/// Returns the names of the types that the server writes, including those of their members.
#[must_use]
pub fn written() -> BTreeSet<String> {
    let written = Types::visited().written.take_definitions(true);
    written.into_iter().map(|(name, _)| name).collect()
}

struct Types {
    read: SchemaGenerator,
    written: SchemaGenerator,
}

impl Types {
    fn visited() -> Self {
        let mut types = Self {
            read: SchemaSettings::draft2020_12().into_generator(),
            written: SchemaSettings::draft2020_12()
                .for_serialize()
                .into_generator(),
        };
        visit_types(&mut types);
        types
    }
}

impl TypeVisitor for Types {
    fn read_by_server<T: JsonSchema>(&mut self) {
        let _reference = self.read.subschema_for::<T>();
    }

    fn written_by_server<T: JsonSchema + DeserializeOwned>(&mut self) {
        let _reference = self.written.subschema_for::<T>();
    }
}

/// A variant with a struct is a reference with members beside it. Draft-07 ignores members beside a
/// reference, and readers overlook them, so they are inlined.
fn merge_references(schema: &mut Value, definitions: &Map<String, Value>) -> Result<()> {
    let Some(variants) = schema.get_mut("oneOf").and_then(Value::as_array_mut) else {
        return Ok(());
    };
    for variant in variants.iter_mut().filter_map(Value::as_object_mut) {
        let Some(reference) = variant.remove("$ref") else {
            continue;
        };
        let name = referenced(&reference).unwrap_or_default();
        let held = definitions.get(name).and_then(Value::as_object);
        let held = held.ok_or(format!("there is no type `{name}`"))?;
        for part in ["properties", "required"] {
            let merged = match (variant.get(part), held.get(part)) {
                (Some(Value::Object(own)), Some(Value::Object(more))) => {
                    Value::Object(own.clone().into_iter().chain(more.clone()).collect())
                }
                (Some(Value::Array(own)), Some(Value::Array(more))) => {
                    Value::Array(own.iter().chain(more).cloned().collect())
                }
                _ => return Err(format!("`{name}` cannot be held by a variant")),
            };
            variant.insert(part.to_owned(), merged);
        }
    }
    Ok(())
}

/// Returns the name of the type in `#/$defs/Name`.
#[must_use]
pub fn referenced(reference: &Value) -> Option<&str> {
    reference.as_str()?.strip_prefix("#/$defs/")
}

/// Joins the lines of a Rust comment into paragraphs.
fn reflow_descriptions(schema: &mut Value) {
    match schema {
        Value::Object(parts) => {
            for (name, part) in parts.iter_mut() {
                match part {
                    Value::String(text) if name == "description" => *text = reflow(text),
                    part => reflow_descriptions(part),
                }
            }
        }
        Value::Array(parts) => parts.iter_mut().for_each(reflow_descriptions),
        _ => {}
    }
}

fn reflow(text: &str) -> String {
    let paragraphs = text.split("\n\n");
    let paragraphs: Vec<_> = paragraphs.map(|one| one.replace('\n', " ")).collect();
    paragraphs.join("\n\n")
}
