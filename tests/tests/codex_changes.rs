//! The comparison of two versions of codex: `tests/codex/next.sh` and what it runs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::process::Command;

use byokey_protocol::CODEX_LEVEL;
use byokey_tests::codex::changes::{
    Recorded, lasting, of_methods, of_model_requests, of_scenario, of_types, report,
};
use byokey_tests::codex::schema::Schema;
use byokey_tests::conformance::difference::Difference;
use byokey_tests::conformance::folder;
use serde_json::{Value, json};

fn recorded(version: &str) -> Recorded {
    Recorded::in_folder(&folder().join("recorded").join(version))
}

/// Returns a schema with these types, one of which lists two methods.
fn schema(types: &Value, methods: [(&str, &str); 2]) -> Schema {
    let message = |(method, params): (&str, &str)| {
        json!({"properties": {
            "method": {"enum": [method]},
            "params": {"$ref": format!("#/definitions/{params}")},
        }})
    };
    let mut types = types.as_object().unwrap().clone();
    let list = json!({"oneOf": methods.map(message)});
    types.insert("ClientRequest".to_owned(), list);
    Schema { types }
}

fn lines(title: &str, found: &[Difference]) -> Vec<String> {
    report(title, found).lines().map(str::to_owned).collect()
}

#[test]
fn new_lost_and_changed_methods_and_types_are_reported() {
    let same = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let more = json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}});
    let old = schema(
        &json!({"Same": same, "Changed": same, "Lost": same}),
        [("a/read", "Same"), ("a/lost", "Lost")],
    );
    let new = schema(
        &json!({"Same": same, "Changed": more, "New": same}),
        [("a/read", "New"), ("a/new", "Same")],
    );
    assert_eq!(
        lines("Methods", &of_methods(&old, &new)),
        [
            "Methods: 3",
            "  + clientRequest a/new: Same",
            "  - clientRequest a/lost: Lost",
            "  ~ clientRequest a/read: Same → New",
        ]
    );
    assert_eq!(
        lines("Types", &of_types(&old, &new)),
        [
            "Types: 3",
            "  + Changed.b: integer or nothing",
            "  + New: type",
            "  - Lost: type",
        ]
    );
    assert!(of_methods(&old, &old).is_empty());
    assert!(of_types(&old, &old).is_empty());
}

/// 0.170 added a member to `account/updated`, and says nothing else to a login.
#[test]
fn what_changed_between_two_recorded_versions_is_reported_once() {
    let (old, new) = (recorded("0.169.0"), recorded("0.171.0"));
    let logins = ["external_login_ok", "external_login_without_plan"];
    let found: Vec<_> = logins
        .iter()
        .flat_map(|name| of_scenario(name, &old, &new))
        .collect();
    assert_eq!(
        lines("Recorded", &found),
        [
            "Recorded: 1",
            "  + account/updated params.reason: null",
            "      external_login_ok, external_login_without_plan",
        ]
    );
    let turn = of_scenario("turn_ok", &old, &new);
    let header = "  + backend responses sends.accept-encoding: true".to_owned();
    assert!(lines("Recorded", &turn).contains(&header), "{turn:?}");
}

#[test]
fn a_version_does_not_differ_from_itself() {
    let newest = recorded(CODEX_LEVEL);
    for name in newest.names() {
        let found = of_scenario(&name, &newest, &newest);
        assert!(found.is_empty(), "{name}: {found:?}");
    }
    let requests = folder().join("requests/codex-0.171.0.json");
    assert!(of_model_requests(&requests, &requests).is_empty());
}

#[test]
fn a_change_that_a_second_run_does_not_show_is_dropped() {
    let (old, new) = (recorded("0.169.0"), recorded("0.171.0"));
    let found = of_scenario("turn_ok", &old, &new);
    assert!(found.len() >= 2, "{found:?}");
    let again = found.get(1..).unwrap();
    assert_eq!(lasting(found.clone(), again), again);
}

#[test]
fn a_version_that_is_none_and_one_without_recordings_are_refused() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("codex/next.sh");
    for (words, says) in [
        (&[][..], "usage: "),
        (&["../0.171.0"][..], "usage: "),
        (&["0.171.0", "0.1.0"][..], "no recordings of codex 0.1.0"),
    ] {
        let output = Command::new("bash").arg(&script).args(words).output();
        let output = output.unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {text}");
        assert!(text.contains(says), "{words:?}: {text}");
    }
}
