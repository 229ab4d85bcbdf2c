//! Our schema against codex's own: all methods, and every type in both.
//!
//! `tests/codex/types.json` maps the names of our types to codex's, and lists those that only we
//! have. Every difference is explained by a rule in `tests/codex/differences.json`, which names a
//! row of `docs/compatibility.md`; a rule that explains nothing is an error.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(
    clippy::print_stdout,
    reason = "differences are told on the test's output"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use byokey_tests::codex;
use byokey_tests::codex::facts::{Book, Facts, compare};
use byokey_tests::codex::schema::{Schema, read};
use byokey_tests::conformance::compatibility::Compatibility;
use byokey_tests::conformance::rules::Rules;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The type of a method in a list of facts.
const METHOD: &str = "method";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Types {
    /// codex's names of our types, where they differ.
    called: BTreeMap<String, String>,
    /// Our types that codex does not have, or does not describe.
    alone: BTreeSet<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn types() -> Types {
    serde_json::from_value(read(&root().join("tests/codex/types.json"))).unwrap()
}

/// Returns our schemas, in codex's draft.
fn ours() -> Map<String, Value> {
    let bundle = read(&root().join("schema/v1/draft-07/byokey.schemas.json"));
    bundle["definitions"].as_object().unwrap().clone()
}

/// Returns our methods in codex's form.
fn our_methods() -> Facts {
    let meta = read(&root().join("schema/v1/meta.json"));
    let named = |method: &Value| {
        let [direction, name] = ["direction", "name"].map(|it| method[it].as_str().unwrap());
        (format!("{direction} {name}"), METHOD.to_owned())
    };
    meta["methods"]
        .as_array()
        .unwrap()
        .iter()
        .map(named)
        .collect()
}

/// Returns codex's methods. Their parameters are compared as types.
fn their_methods(schema: &Schema) -> Facts {
    let methods = schema.methods();
    assert!(methods.len() > 100, "{} methods", methods.len());
    methods
        .into_keys()
        .map(|name| (name, METHOD.to_owned()))
        .collect()
}

#[test]
fn every_difference_from_the_schema_of_codex_is_on_purpose() {
    let rules = Rules::read_from(&root().join("tests/codex/differences.json"));
    let undocumented = rules.without_reason(&Compatibility::read());
    assert!(undocumented.is_empty(), "no such row: {undocumented:#?}");
    let Some(program) = codex::program() else {
        return;
    };
    let (ours, schema, types) = (ours(), Schema::of(&program), types());
    let theirs = &schema.types;

    let (mut by_our_name, mut by_their_name) = (BTreeMap::new(), BTreeMap::new());
    for name in ours.keys().filter(|name| !types.alone.contains(*name)) {
        let their_name = types.called.get(name).unwrap_or(name);
        assert!(
            theirs.contains_key(their_name),
            "codex has no `{their_name}`"
        );
        by_our_name.insert(name.clone(), name.clone());
        by_their_name.insert(their_name.clone(), name.clone());
    }
    for name in types.called.keys().chain(&types.alone) {
        assert!(ours.contains_key(name), "there is no type `{name}`");
    }
    let our_book = Book {
        schemas: &ours,
        named: &by_our_name,
    };
    let their_book = Book {
        schemas: theirs,
        named: &by_their_name,
    };
    let mut found = compare(&their_methods(&schema), &our_methods());
    for (their_name, name) in &by_their_name {
        found.extend(compare(
            &their_book.facts(their_name),
            &our_book.facts(name),
        ));
    }

    let judgement = rules.judge(&found);
    for difference in &judgement.unexplained {
        println!("{difference}");
    }
    println!(
        "{} types, {} differences, explained by {} rules",
        by_their_name.len(),
        found.len(),
        judgement.explained.len()
    );
    assert!(
        judgement.unexplained.is_empty(),
        "{} differences are not in tests/codex/differences.json; they are printed above",
        judgement.unexplained.len()
    );
    let idle = rules.idle(&judgement);
    assert!(idle.is_empty(), "these differences never occur: {idle:#?}");
}

/// Another form of the same content is not a difference; anything else is.
#[test]
fn facts_do_not_depend_on_how_they_are_said() {
    let facts = |schema: Value| {
        let schemas = Map::from_iter([("It".to_owned(), schema)]);
        Book {
            schemas: &schemas,
            named: &BTreeMap::new(),
        }
        .facts("It")
    };
    let parse = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    for (one, other, same) in [
        (
            r#"{"type": ["string", "null"]}"#,
            r#"{"anyOf": [{"type": "string"}, {"type": "null"}]}"#,
            true,
        ),
        (
            r#"{"enum": ["a", "b"]}"#,
            r#"{"oneOf": [{"enum": ["b"]}, {"enum": ["a"], "title": "A"}]}"#,
            true,
        ),
        (
            r#"{"allOf": [{"type": "integer"}]}"#,
            r#"{"type": "integer", "format": "int64"}"#,
            true,
        ),
        (r#"{"type": "integer"}"#, r#"{"type": "string"}"#, false),
        (r#"{"enum": ["a"]}"#, r#"{"enum": ["a", "b"]}"#, false),
        (
            r#"{"type": "object", "properties": {"a": {"type": "string"}}}"#,
            r#"{"type": "object"}"#,
            false,
        ),
        (
            r#"{"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}"#,
            r#"{"type": "object", "properties": {"a": {"type": "string"}}}"#,
            false,
        ),
    ] {
        let differences = compare(&facts(parse(one)), &facts(parse(other)));
        assert_eq!(differences.is_empty(), same, "{one} and {other}");
    }
}
