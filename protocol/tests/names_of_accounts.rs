//! `accountKey` is this server's name for an account, `accountId` is codex's for a ChatGPT account:
//! no message has both meanings under one name.

#![cfg(feature = "schema")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;

use byokey_protocol::methods::{TypeVisitor, visit_types};
use schemars::{JsonSchema, schema_for};
use serde_json::Value;

/// The members whose value is a key of `account/list`.
const OURS: [&str; 2] = ["accountKey", "selectedKey"];
/// The members whose value is a ChatGPT account.
const CODEX: [&str; 3] = ["accountId", "chatgptAccountId", "previousAccountId"];

/// The names and descriptions of all members.
#[derive(Default)]
struct Members(BTreeSet<(String, String)>);

impl Members {
    fn of<T: JsonSchema>(&mut self) {
        self.add(&serde_json::to_value(schema_for!(T)).unwrap());
    }

    fn add(&mut self, schema: &Value) {
        let properties = schema["properties"].as_object();
        for (name, member) in properties.into_iter().flatten() {
            let text = member["description"].as_str().unwrap_or_default();
            self.0.insert((name.clone(), text.to_owned()));
        }
        match schema {
            Value::Object(parts) => parts.values().for_each(|part| self.add(part)),
            Value::Array(parts) => parts.iter().for_each(|part| self.add(part)),
            _ => {}
        }
    }
}

impl TypeVisitor for Members {
    fn read_by_server<T: JsonSchema>(&mut self) {
        self.of::<T>();
    }

    fn written_by_server<T: JsonSchema + serde::de::DeserializeOwned>(&mut self) {
        self.of::<T>();
    }
}

#[test]
fn no_name_has_both_meanings() {
    let mut members = Members::default();
    visit_types(&mut members);
    let mut seen = BTreeSet::new();
    for (name, text) in &members.0 {
        let is_key =
            text.contains("key in `account/list`") || text.contains("name of the account:");
        let is_ours = OURS.contains(&name.as_str());
        assert!(is_ours || !is_key, "{name} holds a key: {text}");
        assert!(
            !is_ours || is_key || text.contains("`accountKey`"),
            "{name}: {text}"
        );
        // A new name with an account in it belongs to one of the two lists.
        let lower = name.to_lowercase();
        if lower.ends_with("accountid") || lower.ends_with("accountkey") {
            assert!(is_ours || CODEX.contains(&name.as_str()), "{name}: {text}");
        }
        if is_ours || CODEX.contains(&name.as_str()) {
            seen.insert(name.as_str());
        }
    }
    assert_eq!(seen.len(), OURS.len() + CODEX.len(), "{seen:?}");
}
