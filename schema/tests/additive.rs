//! The protocol only grows within its version, and its changelog lists the additions.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use byokey_schema::compare::breaks;
use byokey_schema::files::root;
use byokey_schema::growth::additions;
use byokey_schema::output::BASELINE;
use byokey_schema::wire::{Wire, digest};
use byokey_schema::{collect, wire};
use serde_json::{Value, json};

fn baseline() -> Value {
    serde_json::from_slice(&std::fs::read(root().join(BASELINE)).unwrap()).unwrap()
}

fn today() -> Value {
    wire::of(&collect::definitions().unwrap())
}

#[test]
fn old_and_new_peers_understand_each_other() {
    let (old, new) = (
        Wire::read(&baseline()).unwrap(),
        Wire::read(&today()).unwrap(),
    );
    let found = breaks(&old, &new);
    assert!(
        found.is_empty(),
        "this needs a new version of the protocol, or a gentler change:\n{}",
        found.join("\n")
    );
}

#[test]
fn the_changelog_names_every_change_of_the_wire() {
    let changelog = std::fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let digests = digests(&changelog);
    let (first, today) = (digest(&baseline()), digest(&today()));
    assert_eq!(
        digests.last(),
        Some(&first),
        "the oldest entry under `### Protocol` in CHANGELOG.md does not end with (wire `{first}`)"
    );
    assert_eq!(
        digests.first(),
        Some(&today),
        "the wire changed: say how in a new entry, the first under the first `### Protocol` in \
         CHANGELOG.md, and end it with (wire `{today}`)"
    );
    let mut once = digests.clone();
    once.sort();
    once.dedup();
    assert_eq!(
        once.len(),
        digests.len(),
        "two entries have the same state of the wire"
    );
}

/// Iterates over the sections `### Protocol`, from the newest to the oldest.
fn protocol_sections(changelog: &str) -> impl Iterator<Item = &str> {
    let sections = changelog.split("### Protocol\n").skip(1);
    sections.map(|text| text.split("\n#").next().unwrap_or_default())
}

/// Returns the digests at the end of the entries of those sections.
fn digests(changelog: &str) -> Vec<String> {
    let sections = protocol_sections(changelog);
    let ends = sections.flat_map(|text| text.split("(wire `").skip(1));
    ends.map(|text| text.split('`').next().unwrap_or_default().to_owned())
        .collect()
}

/// Returns the additions since the baseline that no entry mentions.
fn unmentioned(old: &Wire, new: &Wire, changelog: &str) -> Vec<String> {
    let sections: Vec<_> = protocol_sections(changelog).collect();
    let told = |name: &String| {
        let name = format!("`{name}`");
        sections.iter().any(|section| section.contains(&name))
    };
    let added = additions(old, new).into_iter();
    added.filter(|name| !told(name)).collect()
}

#[test]
fn the_changelog_names_everything_that_came() {
    let changelog = std::fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let (old, new) = (
        Wire::read(&baseline()).unwrap(),
        Wire::read(&today()).unwrap(),
    );
    let unmentioned = unmentioned(&old, &new, &changelog);
    assert!(
        unmentioned.is_empty(),
        "no entry under `### Protocol` in CHANGELOG.md names these: `{}`",
        unmentioned.join("`, `")
    );
}

#[test]
fn a_new_digest_without_new_words_is_not_enough() {
    let old = Wire::read(&sample()).unwrap();
    let mut grown = sample();
    grown["methods"]["more"] =
        json!({"direction": "clientRequest", "params": "Ask", "result": "Ask"});
    grown["types"]["Answer"]["properties"]["more"] = json!({"type": "string"});
    let variant = json!({"type": "object", "properties": {
        "type": {"type": "string", "const": "c"}, "x": {"type": "string"}}, "required": ["type"]});
    for (types, more) in [
        ("Tell", variant),
        ("Mood", json!({"type": "string", "const": "so"})),
    ] {
        let all = grown["types"][types]["oneOf"].as_array_mut().unwrap();
        all.push(more);
    }
    let grown = Wire::read(&grown).unwrap();
    let entry =
        |words: &str| format!("### Protocol\n\n- {words} (wire `0`)\n\n### Added\n- `more`\n");
    let names = ["more", "Answer.more", "Mood.so", "Tell.c"];
    assert_eq!(unmentioned(&old, &grown, &entry("Something.")), names);
    let some = entry("`more` and `Mood.so` are new.");
    assert_eq!(unmentioned(&old, &grown, &some), ["Answer.more", "Tell.c"]);
    let all = entry("`more`, `Answer.more`, `Tell.c` and `Mood.so` are new.");
    assert_eq!(unmentioned(&old, &grown, &all), [""; 0]);
}

#[test]
fn the_digest_follows_the_wire_and_not_its_words() {
    let mut told_otherwise = collect::definitions().unwrap();
    told_otherwise["Account"]["description"] = json!("Otherwise.");
    assert_eq!(digest(&wire::of(&told_otherwise)), digest(&today()));
    let mut changed = collect::definitions().unwrap();
    changed["Empty"]["properties"] = json!({"more": {"type": "string"}});
    assert_ne!(digest(&wire::of(&changed)), digest(&today()));
}

/// Returns a small wire with one of everything.
fn sample() -> Value {
    let member = |kind: &str| json!({"type": kind});
    let variant = |tag: &str, required: Value| {
        let tag = json!({"type": "string", "const": tag});
        json!({"type": "object", "properties": {"type": tag, "x": {"type": "string"}}, "required": required})
    };
    json!({
        "methods": {
            "ask": {"direction": "clientRequest", "params": "Ask", "result": "Answer"},
            "read": {"direction": "clientRequest", "params": "Empty", "result": "Answer"},
            "tell": {"direction": "serverNotification", "params": "Tell", "result": null},
        },
        "types": {
            "Empty": {"type": "object"},
            "Calm": {"type": "object", "properties": {"may": member("boolean")}},
            "Ask": {"type": "object", "required": ["must", "mood"], "properties": {
                "must": member("string"), "may": member("boolean"),
                "mood": {"$ref": "#/$defs/Mood"}, "input": {"$ref": "#/$defs/UserInput"}}},
            "Answer": {"type": "object", "required": ["there"], "properties": {
                "there": member("string"), "perhaps": {"type": ["integer", "null"]}}},
            "Tell": {"oneOf": [variant("a", json!(["type", "x"])), variant("b", json!(["type"]))]},
            "Mood": {"oneOf": [{"type": "string", "const": "good"}, {"type": "string", "const": "bad"}]},
            "UserInput": {"oneOf": [variant("text", json!(["type"]))]},
            "ErrorData": {"type": "object", "required": ["kind"], "properties": {
                "kind": {"$ref": "#/$defs/Kind"}}},
            "Kind": {"oneOf": [{"type": "string", "const": "other"}]},
        },
    })
}

/// Returns the findings after replacing the value at a place; null removes it.
fn after(place: &str, value: Value) -> Vec<String> {
    let mut new = sample();
    let (parent, name) = place.rsplit_once('/').unwrap();
    match new.pointer_mut(parent).unwrap() {
        Value::Object(parts) if value.is_null() => drop(parts.remove(name)),
        Value::Object(parts) => drop(parts.insert(name.to_owned(), value)),
        Value::Array(parts) if name == "-" => parts.push(value),
        Value::Array(parts) => drop(parts.remove(name.parse().unwrap())),
        _ => unreachable!(),
    }
    breaks(&Wire::read(&sample()).unwrap(), &Wire::read(&new).unwrap())
}

#[test]
fn growth_breaks_nothing() {
    let string = || json!({"type": "string"});
    let word = || json!({"type": "string", "const": "more"});
    let variant =
        || json!({"type": "object", "properties": {"type": word()}, "required": ["type"]});
    for (place, value) in [
        (
            "/methods/more",
            json!({"direction": "clientRequest", "params": "Ask", "result": "Ask"}),
        ),
        ("/types/More", json!({"type": "object"})),
        ("/methods/read/params", json!("Calm")),
        ("/types/Ask/properties/more", string()),
        ("/types/Answer/properties/more", string()),
        ("/types/Tell/oneOf/-", variant()),
        ("/types/UserInput/oneOf/-", variant()),
        ("/types/Kind/oneOf/-", word()),
        ("/types/Answer/description", json!("Otherwise.")),
    ] {
        assert_eq!(after(place, value), [""; 0], "{place}");
    }
}

#[test]
fn every_kind_of_break_is_caught() {
    let string = || json!({"type": "string"});
    let word = || json!({"type": "string", "const": "more"});
    for (place, value, told) in [
        ("/methods/ask", Value::Null, "the method `ask` is gone"),
        (
            "/methods/ask/params",
            json!("Answer"),
            "the method `ask` carries other types",
        ),
        (
            "/methods/read/params",
            json!("Ask"),
            "the method `read` carries other types",
        ),
        (
            "/methods/ask/params",
            json!("Calm"),
            "the method `ask` carries other types",
        ),
        (
            "/methods/tell/direction",
            json!("clientNotification"),
            "`tell` carries other types",
        ),
        ("/types/Mood", Value::Null, "the type `Mood` is gone"),
        (
            "/types/Mood",
            json!({"type": "object"}),
            "Mood: it has another shape",
        ),
        (
            "/types/Ask/properties/may",
            Value::Null,
            "Ask: it has no member `may` any more",
        ),
        (
            "/types/Ask/properties/may",
            string(),
            "Ask: it has a member `may` of another type",
        ),
        (
            "/types/Ask/properties/must/x-sensitive",
            json!(true),
            "`must` of another type",
        ),
        (
            "/types/Ask/required",
            json!(["must", "mood", "may"]),
            "not come without `may` any more",
        ),
        (
            "/types/Ask/required",
            json!(["must"]),
            "Ask: it may come without `mood` now",
        ),
        (
            "/types/Answer/properties/there",
            Value::Null,
            "it has no member `there` any more",
        ),
        (
            "/types/Answer/required",
            json!([]),
            "Answer: it may come without `there` now",
        ),
        (
            "/types/Answer/required",
            json!(["there", "perhaps"]),
            "come without `perhaps` any more",
        ),
        (
            "/types/Answer/properties/there/type",
            json!(["string", "null"]),
            "have null as `there` now",
        ),
        (
            "/types/Answer/properties/perhaps/type",
            json!("integer"),
            "have null as `perhaps` any more",
        ),
        (
            "/types/Answer/properties/perhaps/format",
            json!("uint8"),
            "Answer: it has other numbers as `perhaps`",
        ),
        (
            "/types/Mood/oneOf/0",
            Value::Null,
            "Mood: it has no `good` any more",
        ),
        (
            "/types/Mood/oneOf/-",
            word(),
            "Mood: it has a new `more`, which an old server refuses",
        ),
        (
            "/types/Tell/oneOf/0",
            Value::Null,
            "Tell: it has no `a` any more",
        ),
        (
            "/types/Tell/oneOf/1/required",
            json!(["type", "x"]),
            "Tell, `b`: it must not come",
        ),
        (
            "/types/Tell/oneOf/0/properties/x",
            Value::Null,
            "Tell, `a`: it has no member `x`",
        ),
        (
            "/types/Kind/oneOf/0/const",
            word()["const"].clone(),
            "Kind: it has no `other` any more",
        ),
    ] {
        let found = after(place, value);
        let caught = found.iter().any(|one| one.contains(told));
        assert!(caught, "{place}: {found:?} does not tell that {told}");
    }
    let mut new = sample();
    new["types"]["Answer"]["properties"]["more"] = string();
    new["types"]["Answer"]["required"] = json!(["there", "more"]);
    let found = breaks(&Wire::read(&sample()).unwrap(), &Wire::read(&new).unwrap());
    assert_eq!(
        found,
        ["Answer: it has a new member `more` that is not optional"]
    );
}
