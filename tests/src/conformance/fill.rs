//! The placeholders of a scenario: `$jwt`, `$from`, `$BACKEND` and `$ORIGIN`.

use std::collections::BTreeMap;

use byokey_dev_backend::jwt::unsigned;
use serde_json::{Map, Value, json};

/// Fills placeholders and records the labels of the generated tokens.
#[derive(Debug)]
pub struct Fill {
    backend: String,
    origin: Option<String>,
    /// Labels by token.
    pub labels: BTreeMap<String, String>,
}

impl Fill {
    /// Returns a value for a backend at this URL, and for the origin of its workspaces, if the
    /// scenario has one.
    #[must_use]
    pub const fn new(backend: String, origin: Option<String>) -> Self {
        Self {
            backend,
            origin,
            labels: BTreeMap::new(),
        }
    }

    /// Returns the URL of the backend.
    #[must_use]
    pub fn backend(&self) -> &str {
        &self.backend
    }

    /// Returns a text with both URLs filled in.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let text = text.replace("$BACKEND", &self.backend);
        match &self.origin {
            Some(origin) => text.replace("$ORIGIN", origin),
            None => text,
        }
    }

    /// Fills a value. `answers` are the answers so far; missing ones become null.
    pub fn value(&mut self, value: &Value, answers: &[Value]) -> Value {
        match value {
            Value::Object(members) => match (members.get("$jwt"), members.get("$from")) {
                (Some(claims), _) => self.token(claims).into(),
                (_, Some(source)) => from_answer(source, answers),
                _ => self.members(members, answers),
            },
            Value::Array(all) => all.iter().map(|one| self.value(one, answers)).collect(),
            Value::String(text) => self.text(text).into(),
            other => other.clone(),
        }
    }

    fn members(&mut self, members: &Map<String, Value>, answers: &[Value]) -> Value {
        let filled = members
            .iter()
            .map(|(name, inner)| (name.clone(), self.value(inner, answers)));
        Value::Object(filled.collect())
    }

    fn token(&mut self, wanted: &Value) -> String {
        let label = ["label", "email", "account"]
            .iter()
            .find_map(|name| wanted[name].as_str().filter(|text| !text.is_empty()))
            .unwrap_or("anonymous");
        let mut auth = json!({"chatgpt_user_id": "user-1"});
        for (claim, name) in [
            ("chatgpt_compute_residency", "residency"),
            ("chatgpt_plan_type", "plan"),
            ("chatgpt_account_id", "account"),
        ] {
            if let Some(value) = wanted.get(name) {
                auth[claim] = value.clone();
            }
        }
        let mut claims = json!({"https://api.openai.com/auth": auth});
        for name in ["email", "exp"] {
            if let Some(value) = wanted.get(name) {
                claims[name] = value.clone();
            }
        }
        let token = unsigned(&claims, label);
        self.labels.insert(token.clone(), label.to_owned());
        token
    }
}

fn from_answer(source: &Value, answers: &[Value]) -> Value {
    let answer = answers
        .iter()
        .find(|answer| answer["id"] == source["response"]);
    let path = source["path"].as_array().expect("a path");
    let mut found = answer
        .map(|answer| answer["result"].clone())
        .unwrap_or_default();
    for step in path {
        let name = step.as_str().expect("a path of names");
        found = found.get_mut(name).map(Value::take).unwrap_or_default();
    }
    found
}
