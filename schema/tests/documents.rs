//! The generated schemas are valid, the examples match them, and the OpenRPC document is valid.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::LazyLock;

use boon::{Compiler, Schemas};
use byokey_protocol::methods::METHODS;
use byokey_protocol::secret::SENSITIVE_MEMBERS;
use byokey_schema::files::{Files, root};
use byokey_schema::output::files;
use byokey_schema::{collect, examples};
use serde_json::{Value, json};

static FILES: LazyLock<Files> = LazyLock::new(|| files().unwrap());

const DRAFTS: [&str; 2] = ["json", "draft-07"];

/// A validator for one generated schema.
struct Validator {
    schemas: Schemas,
    index: boon::SchemaIndex,
}

impl Validator {
    fn of_type(draft: &str, name: &str) -> Self {
        let path = format!("schema/v1/{draft}/{name}.json");
        let text = &FILES[&path];
        Self::new(&[(
            "https://example.com/it",
            serde_json::from_str(text).unwrap(),
        )])
    }

    /// Returns a validator for the first of these resources; the others are its references.
    fn new(resources: &[(&str, Value)]) -> Self {
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        for (place, schema) in resources {
            compiler.add_resource(place, schema.clone()).unwrap();
        }
        let compiled = compiler.compile(resources[0].0, &mut schemas);
        let index = compiled.unwrap_or_else(|error| panic!("{error:#}"));
        Self { schemas, index }
    }

    fn problem(&self, value: &Value) -> Option<String> {
        let verdict = self.schemas.validate(value, self.index);
        verdict.err().map(|error| error.to_string())
    }
}

#[test]
fn every_schema_is_a_schema() {
    for name in collect::definitions().unwrap().keys() {
        for draft in DRAFTS {
            let validator = Validator::of_type(draft, name);
            assert!(
                validator.problem(&json!([])).is_some(),
                "{name} allows a list"
            );
        }
    }
}

#[test]
fn every_example_keeps_to_the_schema() {
    let examples = examples::read().unwrap();
    for method in METHODS {
        for example in &examples[method.name] {
            let params = Some((method.params, &example.params));
            let result = method.result.zip(example.result.as_ref());
            for (name, value) in params.into_iter().chain(result) {
                for draft in DRAFTS {
                    let problem = Validator::of_type(draft, name).problem(value);
                    let (method, title) = (method.name, &example.title);
                    assert_eq!(problem, None, "`{method}`: {title}");
                }
            }
        }
    }
}

/// Readers ignore unknown members, so a typo in an example would be valid, too.
#[test]
fn examples_have_no_members_without_a_meaning() {
    let definitions = collect::definitions().unwrap();
    let examples = examples::read().unwrap();
    for method in METHODS {
        for example in &examples[method.name] {
            let params = Some((method.params, &example.params));
            let result = method.result.zip(example.result.as_ref());
            for (name, value) in params.into_iter().chain(result) {
                let mut known = Vec::new();
                names_in(&definitions[name], &definitions, &mut known);
                let mut used = Vec::new();
                members(value, &mut used);
                for member in used {
                    // An id of a limit, and a member of an arbitrary value.
                    let free = ["codex", "networkAccess"].contains(&member);
                    assert!(
                        known.contains(&member) || free,
                        "`{}`: `{member}`",
                        method.name
                    );
                }
            }
        }
    }
}

fn names_in<'a>(
    schema: &'a Value,
    all: &'a serde_json::Map<String, Value>,
    found: &mut Vec<&'a str>,
) {
    match schema {
        Value::Object(parts) => {
            if let Some(name) = parts.get("$ref").and_then(collect::referenced) {
                names_in(&all[name], all, found);
            }
            if let Some(properties) = parts.get("properties").and_then(Value::as_object) {
                found.extend(properties.keys().map(String::as_str));
            }
            parts.values().for_each(|part| names_in(part, all, found));
        }
        Value::Array(parts) => parts.iter().for_each(|part| names_in(part, all, found)),
        _ => {}
    }
}

fn members<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(parts) => {
            found.extend(parts.keys().map(String::as_str));
            parts.values().for_each(|part| members(part, found));
        }
        Value::Array(parts) => parts.iter().for_each(|part| members(part, found)),
        _ => {}
    }
}

#[test]
fn secrets_in_examples_are_made_up() {
    fn look(value: &Value) {
        match value {
            Value::Object(parts) => {
                for (name, part) in parts {
                    if let (true, Some(text)) =
                        (SENSITIVE_MEMBERS.contains(&name.as_str()), part.as_str())
                    {
                        assert!(
                            text.contains("made-up"),
                            "`{name}` does not say that it is made up"
                        );
                    }
                    look(part);
                }
            }
            Value::Array(parts) => parts.iter().for_each(look),
            _ => {}
        }
    }
    for example in examples::read().unwrap().values().flatten() {
        look(&example.params);
        look(example.result.as_ref().unwrap_or(&Value::Null));
    }
}

#[test]
fn the_open_rpc_document_passes_its_meta_schema() {
    let vendored = |name: &str| {
        let path = root().join("schema/tests/meta-schemas").join(name);
        let mut schema: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        // Both name the second of them as their dialect, which is draft-07 under another name.
        schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
        schema
    };
    let validator = Validator::new(&[
        ("https://meta.open-rpc.org/", vendored("open-rpc.json")),
        (
            "https://meta.json-schema.tools/",
            vendored("json-schema.json"),
        ),
    ]);
    let text = &FILES["schema/v1/openrpc.json"];
    let document: Value = serde_json::from_str(text).unwrap();
    assert_eq!(validator.problem(&document), None);

    let mut broken = document.clone();
    broken["methods"][0]["params"] = json!({});
    assert!(validator.problem(&broken).is_some());
    let mut broken = document.clone();
    broken["components"]["schemas"]["Account"]["type"] = json!(3);
    assert!(validator.problem(&broken).is_some());

    assert_eq!(document["methods"].as_array().unwrap().len(), METHODS.len());
}
