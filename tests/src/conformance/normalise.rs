//! Normalises a replay: replaces the parts that change from run to run, as the recorder did for the
//! recordings.

use std::collections::BTreeMap;

use serde_json::Value;

const TIMES: [&str; 8] = [
    "emittedAtMs",
    "createdAt",
    "updatedAt",
    "startedAt",
    "completedAt",
    "startedAtMs",
    "completedAtMs",
    "recencyAt",
];

/// Replaces tokens, places, times and UUIDs by names.
#[derive(Debug)]
pub struct Normaliser {
    /// The replacements, the longest first where one contains another.
    replaced: Vec<(String, String)>,
    uuids: BTreeMap<String, String>,
    /// Text of the scenario; UUIDs in it are its own and stay.
    scenario: String,
}

impl Normaliser {
    /// Returns a normaliser with these replacements.
    #[must_use]
    pub const fn new(replaced: Vec<(String, String)>, scenario: String) -> Self {
        Self {
            replaced,
            uuids: BTreeMap::new(),
            scenario,
        }
    }

    /// Normalises a value.
    pub fn value(&mut self, value: &Value) -> Value {
        self.member("", value)
    }

    fn member(&mut self, name: &str, value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                let named = members
                    .iter()
                    .map(|(name, inner)| (name.clone(), self.member(name, inner)));
                Value::Object(named.collect())
            }
            Value::Array(all) => all.iter().map(|one| self.member("", one)).collect(),
            Value::Number(_) if TIMES.contains(&name) => "<time>".into(),
            Value::Number(_) if name == "durationMs" => "<duration>".into(),
            Value::String(text) if name.eq_ignore_ascii_case("userAgent") => {
                user_agent(text).into()
            }
            Value::String(text) if name == "user-agent" => user_agent(text).into(),
            Value::String(text) => self.text(text).into(),
            other => other.clone(),
        }
    }

    /// Normalises a text.
    pub fn text(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for (from, to) in &self.replaced {
            text = text.replace(from, to);
        }
        for name in ["code_challenge=", "state="] {
            text = without_value(&text, name);
        }
        while let Some(uuid) = self.next_uuid(&text) {
            let next = format!("<uuid:{}>", self.uuids.len() + 1);
            let name = self.uuids.entry(uuid.clone()).or_insert(next);
            text = text.replace(&uuid, name);
        }
        text
    }

    /// Returns the first UUID of the text that is not the scenario's own.
    fn next_uuid(&self, text: &str) -> Option<String> {
        let windows = text.as_bytes().windows(36);
        windows
            .filter_map(|window| std::str::from_utf8(window).ok())
            .find(|window| is_uuid(window) && !self.scenario.contains(window))
            .map(str::to_owned)
    }
}

/// Removes the random value of a parameter from a URL.
fn without_value(text: &str, name: &str) -> String {
    match text.split_once(&format!("&{name}")) {
        None => text.to_owned(),
        Some((before, value)) => {
            let behind = value.find('&').and_then(|end| value.get(end..));
            format!("{before}&{name}<random>{}", behind.unwrap_or_default())
        }
    }
}

fn is_uuid(text: &str) -> bool {
    let mut parts = text.split('-').map(|part| {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        part.bytes().all(hex).then_some(part.len())
    });
    let lengths = [8, 4, 4, 4, 12].map(Some);
    lengths.iter().all(|length| parts.next() == Some(*length)) && parts.next().is_none()
}

/// Normalises `name/version (system; architecture) terminal rest`.
fn user_agent(text: &str) -> String {
    let parts = text
        .split_once(" (")
        .and_then(|(name, rest)| Some((name, rest.split_once(") ")?.1)));
    let Some((name, rest)) = parts else {
        return text.to_owned();
    };
    let rest = rest.split_once(' ').map_or("", |(_terminal, rest)| rest);
    format!("{name} (<platform>) <platform> {rest}")
}
