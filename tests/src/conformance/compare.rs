//! Finds the differences between a recording and a replay.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::align::align;
use super::difference::{Difference, Kind};
use super::recording::Transcript;
use super::streams::streams;

/// Returns the differences between codex and ours in a scenario.
#[must_use]
pub fn compare(scenario: &str, codex: &Transcript, ours: &Transcript) -> Vec<Difference> {
    let mut comparison = Comparison {
        scenario,
        found: Vec::new(),
        ids: Ids::default(),
    };
    let (their_streams, our_streams) = (streams(codex), streams(ours));
    let names: BTreeSet<_> = their_streams.keys().chain(our_streams.keys()).collect();
    for name in names {
        let theirs = their_streams.get(name).map_or(&[][..], Vec::as_slice);
        let ours = our_streams.get(name).map_or(&[][..], Vec::as_slice);
        for pair in align(theirs, ours) {
            match pair {
                (Some(their), Some(our)) => {
                    comparison.values(&their.name, "", &their.body, &our.body)
                }
                (Some(their), None) => {
                    comparison.add(&their.name, Kind::CodexOnly(their.body.clone()));
                }
                (None, Some(our)) => comparison.add(&our.name, Kind::OursOnly(our.body.clone())),
                (None, None) => {}
            }
        }
    }
    for stuck in &ours.stuck {
        comparison.add(stuck, Kind::Stuck);
    }
    if codex.exit != ours.exit {
        let (codex, ours) = (codex.exit.into(), ours.exit.into());
        comparison.add("exit", Kind::Differs { codex, ours });
    }
    comparison.found
}

struct Comparison<'a> {
    scenario: &'a str,
    found: Vec<Difference>,
    ids: Ids,
}

impl Comparison<'_> {
    /// Compares two values at a path of a message.
    fn values(&mut self, event: &str, path: &str, theirs: &Value, ours: &Value) {
        match (theirs, ours) {
            (Value::Object(their_members), Value::Object(our_members)) => {
                for (name, their) in their_members {
                    let path = below(path, name);
                    match our_members.get(name) {
                        Some(our) => self.values(event, &path, their, our),
                        None => self.add(&at(event, &path), Kind::CodexOnly(their.clone())),
                    }
                }
                for (name, our) in our_members {
                    if !their_members.contains_key(name) {
                        let at = at(event, &below(path, name));
                        self.add(&at, Kind::OursOnly(our.clone()));
                    }
                }
            }
            (Value::Array(their_list), Value::Array(our_list))
                if their_list.len() == our_list.len() =>
            {
                let path = format!("{path}[]");
                for (their, our) in their_list.iter().zip(our_list) {
                    self.values(event, &path, their, our);
                }
            }
            (Value::String(their), Value::String(our)) if self.ids.same(their, our) => {}
            _ if theirs == ours => {}
            _ => match (address(theirs), address(ours)) {
                (Some(their), Some(our)) => self.values(event, path, &their, &our),
                _ => {
                    let (codex, ours) = (theirs.clone(), ours.clone());
                    self.add(&at(event, path), Kind::Differs { codex, ours });
                }
            },
        }
    }

    fn add(&mut self, at: &str, kind: Kind) {
        let (scenario, at) = (self.scenario.to_owned(), at.to_owned());
        self.found.push(Difference { scenario, at, kind });
    }
}

/// Parses a URL into its place and its parameters, whose order is irrelevant.
fn address(value: &Value) -> Option<Value> {
    let (place, query) = value.as_str()?.split_once('?')?;
    place.strip_prefix("https://")?;
    let parameters = query.split('&').map(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        (name.to_owned(), value.replace('+', "%20").into())
    });
    let place = ("place".to_owned(), Value::from(place));
    Some(Value::Object(parameters.chain([place]).collect()))
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// Returns the name of a place: the message and, if given, the member.
fn at(event: &str, path: &str) -> String {
    if path.is_empty() {
        event.to_owned()
    } else {
        format!("{event} {path}")
    }
}

/// Maps codex's ids to ours, one to one throughout a scenario.
#[derive(Default)]
struct Ids {
    ours: BTreeMap<String, String>,
    theirs: BTreeMap<String, String>,
}

impl Ids {
    /// Returns whether two texts are equal up to mapped ids.
    fn same(&mut self, theirs: &str, ours: &str) -> bool {
        // 0.98.0 numbers turns, later versions use UUIDs.
        if theirs.parse::<u32>().is_ok() && ours.starts_with("<uuid:") {
            return self.pair(&format!("turn {theirs}"), ours);
        }
        let (their_parts, our_parts) = (parts(theirs), parts(ours));
        their_parts.len() == our_parts.len()
            && their_parts.iter().zip(&our_parts).all(|parts| match parts {
                (Part::Id(their), Part::Id(our)) => self.pair(their, our),
                (Part::Text(their), Part::Text(our)) => their == our,
                _ => false,
            })
    }

    fn pair(&mut self, theirs: &str, ours: &str) -> bool {
        let our = self.ours.entry(theirs.to_owned()).or_insert(ours.into());
        let their = self.theirs.entry(ours.to_owned()).or_insert(theirs.into());
        our == ours && their == theirs
    }
}

enum Part<'a> {
    Text(&'a str),
    Id(&'a str),
}

/// Splits a text at its ids: `<uuid:N>`, and `msg-N` if it is the whole text (the loopback backend
/// numbers its messages as `msg-dev-N`).
fn parts(text: &str) -> Vec<Part<'_>> {
    let number = text
        .strip_prefix("msg-dev-")
        .or_else(|| text.strip_prefix("msg-"));
    if number.is_some_and(|number| number.parse::<u32>().is_ok()) {
        return vec![Part::Id(text)];
    }
    let (mut rest, mut parts) = (text, Vec::new());
    while let Some((before, behind)) = rest.split_once("<uuid:") {
        let Some((id, behind)) = behind.split_once('>') else {
            break;
        };
        parts.extend([Part::Text(before), Part::Id(id)]);
        rest = behind;
    }
    parts.push(Part::Text(rest));
    parts
}
