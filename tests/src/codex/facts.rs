//! The content of a schema, as a flat list that does not depend on its form.
//!
//! `Account(chatgpt).email` is a member of a variant, `Mood=good` a word, `Turn.items[]` the
//! elements of a list. The value is the type. Null and absent are equivalent here: *or nothing*.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::conformance::difference::{Difference, Kind};

/// Types by place.
pub type Facts = BTreeMap<String, String>;

/// A set of schemas that refer to each other.
#[derive(Debug)]
pub struct Book<'a> {
    /// The schemas by name.
    pub schemas: &'a Map<String, Value>,
    /// Names in this book, and their names in the facts. Other names are resolved.
    pub named: &'a BTreeMap<String, String>,
}

impl Book<'_> {
    /// Returns the facts of one type.
    ///
    /// # Panics
    ///
    /// When there is no schema of that name.
    #[must_use]
    pub fn facts(&self, name: &str) -> Facts {
        let mut facts = Facts::new();
        let mut reading = Reading {
            book: self,
            facts: &mut facts,
            open: vec![name.to_owned()],
        };
        let called = self.named.get(name).map_or(name, String::as_str);
        reading.read(called, &self.schemas[name], "");
        facts
    }
}

/// Returns the differences of one type, or of other lists of facts. The inside of a missing part is
/// not listed.
#[must_use]
pub fn compare(codex: &Facts, ours: &Facts) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut lacking: Vec<&String> = Vec::new();
    let places: BTreeSet<_> = codex.keys().chain(ours.keys()).collect();
    for at in places {
        let inside = |outer: &&String| {
            let rest = at.strip_prefix(outer.as_str()).unwrap_or_default();
            rest.starts_with(['.', '(', '=', '['])
        };
        if lacking.iter().any(inside) {
            continue;
        }
        let kind = match (codex.get(at), ours.get(at)) {
            (Some(codex), Some(ours)) if codex == ours => continue,
            (Some(codex), Some(ours)) => Kind::Differs {
                codex: codex.as_str().into(),
                ours: ours.as_str().into(),
            },
            (Some(codex), None) => Kind::CodexOnly(codex.as_str().into()),
            (None, ours) => Kind::OursOnly(ours.map_or(Value::Null, |ours| ours.as_str().into())),
        };
        if !matches!(kind, Kind::Differs { .. }) {
            lacking.push(at);
        }
        let scenario = "schema".to_owned();
        found.push(Difference {
            scenario,
            at: at.clone(),
            kind,
        });
    }
    found
}

struct Reading<'a> {
    book: &'a Book<'a>,
    facts: &'a mut Facts,
    /// Names that are being resolved, so that a cycle ends.
    open: Vec<String>,
}

impl Reading<'_> {
    fn tell(&mut self, at: &str, what: &str, maybe: &str) {
        self.facts.insert(at.to_owned(), format!("{what}{maybe}"));
    }

    fn read(&mut self, at: &str, schema: &Value, maybe: &str) {
        if let Some(reference) = schema["$ref"].as_str() {
            return self.follow(at, reference, maybe);
        }
        if let Some([only]) = schema["allOf"].as_array().map(Vec::as_slice) {
            return self.read(at, only, maybe);
        }
        let alternatives = ["anyOf", "oneOf"]
            .into_iter()
            .find_map(|name| schema[name].as_array());
        if let Some(alternatives) = alternatives {
            return self.alternatives(at, alternatives, maybe);
        }
        let mut kinds = match &schema["type"] {
            Value::String(kind) => vec![kind.as_str()],
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let maybe = if kinds.contains(&"null") {
            " or nothing"
        } else {
            maybe
        };
        kinds.retain(|kind| *kind != "null");
        if let Some(words) = words_of(schema) {
            self.tell(at, "word", maybe);
            return self.words(at, words);
        }
        match kinds.as_slice() {
            ["array"] => self.read(&format!("{at}[]"), &schema["items"], maybe),
            ["object"] => self.object(at, schema, maybe),
            [] => self.tell(at, "anything", maybe),
            kinds => self.tell(at, &kinds.join(" or "), maybe),
        }
    }

    fn follow(&mut self, at: &str, reference: &str, maybe: &str) {
        let name = reference.rsplit('/').next().unwrap_or_default().to_owned();
        if let Some(called) = self.book.named.get(&name) {
            self.tell(at, called, maybe);
        } else if self.open.contains(&name) {
            self.tell(at, "the same again", maybe);
        } else {
            let schema = &self.book.schemas[&name];
            self.open.push(name);
            self.read(at, schema, maybe);
            self.open.pop();
        }
    }

    fn object(&mut self, at: &str, schema: &Value, maybe: &str) {
        self.tell(at, "object", maybe);
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            let mut required = schema["required"].as_array().into_iter().flatten();
            let required = required.any(|required| required == name);
            let maybe = if required { "" } else { " or nothing" };
            self.read(&format!("{at}.{name}"), member, maybe);
        }
        if schema["additionalProperties"].is_object() {
            self.read(&format!("{at}.*"), &schema["additionalProperties"], "");
        }
    }

    fn words(&mut self, at: &str, words: &[Value]) {
        for word in words.iter().filter_map(Value::as_str) {
            self.tell(&format!("{at}={word}"), "word", "");
        }
    }

    fn alternatives(&mut self, at: &str, all: &[Value], maybe: &str) {
        let is_null = |schema: &&Value| schema["type"] == "null";
        let maybe = if all.iter().any(|one| is_null(&one)) {
            " or nothing"
        } else {
            maybe
        };
        // An open branch describes no variant.
        let is_known = |schema: &&Value| !is_null(schema) && schema["x-open"] != true;
        let all: Vec<_> = all.iter().filter(is_known).collect();
        if let [only] = all.as_slice() {
            return self.read(at, only, maybe);
        }
        let only_words = all.iter().all(|schema| words_of(schema).is_some());
        self.tell(at, if only_words { "word" } else { "one of" }, maybe);
        for schema in all {
            match (words_of(schema), variant(schema)) {
                (Some(words), _) => self.words(at, words),
                (None, Some((name, body))) => self.read(&format!("{at}({name})"), &body, ""),
                (None, None) => self.read(&format!("{at}({})", schema["type"]), schema, ""),
            }
        }
    }
}

/// Returns the words that a schema knows: all it allows, or those beside an open string.
fn words_of(schema: &Value) -> Option<&Vec<Value>> {
    ["enum", "x-known-values"]
        .into_iter()
        .find_map(|name| schema[name].as_array())
}

/// Returns name and members of an alternative, identified by its tag or only member.
fn variant(schema: &Value) -> Option<(String, Value)> {
    let properties = schema["properties"].as_object()?;
    let tag = properties.iter().find_map(|(name, member)| {
        let [value] = member["enum"].as_array()?.as_slice() else {
            return None;
        };
        Some((name.clone(), value.as_str()?.to_owned()))
    });
    if let Some((tag, value)) = tag {
        let mut body = schema.clone();
        body["properties"].as_object_mut()?.remove(&tag);
        return Some((value, body));
    }
    match properties.iter().next() {
        Some((name, body)) if properties.len() == 1 => Some((name.clone(), body.clone())),
        _ => None,
    }
}
