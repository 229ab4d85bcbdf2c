//! The schema marks every member with a secret, so that authors of clients and logs can find them.

#![cfg(feature = "schema")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use byokey_protocol::account::GetAuthStatusResult;
use byokey_protocol::external_auth::ExternalTokens;
use byokey_protocol::gateway::GatewayStartResult;
use byokey_protocol::login::LoginStartParams;
use byokey_protocol::methods::{TypeVisitor, visit_types};
use byokey_protocol::secret::{SENSITIVE_MEMBERS, is_sensitive};
use schemars::{JsonSchema, schema_for};
use serde_json::Value;

/// Returns every member in a schema, with its own schema.
fn members(schema: &Value, found: &mut Vec<(String, Value)>) {
    if let Some(properties) = schema["properties"].as_object() {
        for (name, member) in properties {
            found.push((name.clone(), member.clone()));
        }
    }
    match schema {
        Value::Object(parts) => parts.values().for_each(|part| members(part, found)),
        Value::Array(parts) => parts.iter().for_each(|part| members(part, found)),
        _ => {}
    }
}

/// Returns the names of the marked members, after checking that the marks agree.
fn marked<T: JsonSchema>() -> Vec<String> {
    let schema = serde_json::to_value(schema_for!(T)).unwrap();
    let mut found = Vec::new();
    members(&schema, &mut found);
    let mut names = Vec::new();
    for (name, member) in found {
        let text = member.to_string();
        let marks = [
            text.contains(r#""x-sensitive":true"#),
            text.contains(r#""writeOnly":true"#),
            text.contains(r#""format":"password""#),
            is_sensitive(&name),
        ];
        assert!(
            marks.iter().all(|mark| *mark == marks[0]),
            "{name}: {member}"
        );
        if marks[0] {
            names.push(name);
        }
    }
    names.sort();
    names.dedup();
    names
}

#[test]
fn parameters_mark_their_secrets() {
    assert_eq!(
        marked::<LoginStartParams>(),
        ["accessToken", "apiKey", "idToken", "token"]
    );
    assert_eq!(marked::<ExternalTokens>(), ["accessToken", "idToken"]);
}

/// The types that the server writes: the names of those that may contain a secret, and their
/// number.
#[derive(Default)]
struct Written {
    with_secrets: Vec<Vec<String>>,
    count: usize,
}

impl TypeVisitor for Written {
    fn read_by_server<T: JsonSchema>(&mut self) {
        marked::<T>();
    }

    fn written_by_server<T: JsonSchema>(&mut self) {
        self.count += 1;
        let secrets = marked::<T>();
        if !secrets.is_empty() {
            self.with_secrets.push(secrets);
        }
    }
}

#[test]
fn of_all_results_and_notifications_two_may_hold_a_secret() {
    let mut written = Written::default();
    visit_types(&mut written);
    assert_eq!(written.with_secrets, [["authToken"], ["bearer"]]);
    assert!(written.count > 30, "only {} types were seen", written.count);
    assert_eq!(marked::<GetAuthStatusResult>(), ["authToken"]);
    assert_eq!(marked::<GatewayStartResult>(), ["bearer"]);
    assert!(SENSITIVE_MEMBERS.contains(&"authToken"));
}
