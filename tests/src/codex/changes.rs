//! What changed from one version of codex to another: methods, types and recorded exchanges.
//!
//! A [`Difference`] is between versions here: `codexOnly` is what only the old one has, `oursOnly`
//! what only the new one has.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::mem::discriminant;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::facts::{Book, Facts, compare as compare_facts};
use super::schema::{Schema, read};
use crate::conformance::compare::compare;
use crate::conformance::difference::{Difference, Kind};
use crate::conformance::recording::Transcript;

/// The longest value that a report shows.
const LONGEST: usize = 120;
/// How many scenarios a report names for one change.
const NAMED: usize = 3;

/// Returns the methods that are new or gone, or have another type of parameters.
#[must_use]
pub fn of_methods(old: &Schema, new: &Schema) -> Vec<Difference> {
    compare_facts(&old.methods(), &new.methods())
}

/// Returns the types that are new or gone, and what changed in the others. The lists of methods are
/// left out.
#[must_use]
pub fn of_types(old: &Schema, new: &Schema) -> Vec<Difference> {
    let lists = old.methods().into_keys().chain(new.methods().into_keys());
    let lists: BTreeSet<_> = lists
        .filter_map(|method| Some(method.split_once(' ')?.0.to_ascii_lowercase()))
        .collect();
    let is_type = |name: &&String| !lists.contains(&name.to_ascii_lowercase());
    let names = |schema: &Schema| -> BTreeMap<String, String> {
        let names = schema.types.keys().filter(is_type);
        names.map(|name| (name.clone(), name.clone())).collect()
    };
    let (old_names, new_names) = (names(old), names(new));
    let all: BTreeSet<_> = old_names.keys().chain(new_names.keys()).collect();
    let mut found = Vec::new();
    for name in all {
        let facts = |schema: &Schema, named: &BTreeMap<String, String>| {
            let schemas = &schema.types;
            let book = Book { schemas, named };
            named.get(name).map(|_| book.facts(name))
        };
        let whole = |facts: &Option<Facts>| {
            let only = (name.clone(), "type".to_owned());
            facts.iter().map(|_| only.clone()).collect::<Facts>()
        };
        match (facts(old, &old_names), facts(new, &new_names)) {
            (Some(old), Some(new)) => found.extend(compare_facts(&old, &new)),
            (old, new) => found.extend(compare_facts(&whole(&old), &whole(&new))),
        }
    }
    found
}

/// The recordings from one version: a folder that has its name.
#[derive(Clone, Debug)]
pub struct Recorded {
    folder: PathBuf,
    version: String,
}

impl Recorded {
    /// Returns the recordings in a folder.
    ///
    /// # Panics
    ///
    /// When the folder has no name.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        let version = folder.file_name().unwrap().to_string_lossy().into_owned();
        Self {
            folder: folder.to_owned(),
            version,
        }
    }

    /// Returns the names of the scenarios; none if there is no such folder.
    ///
    /// # Panics
    ///
    /// When the folder cannot be read.
    #[must_use]
    pub fn names(&self) -> BTreeSet<String> {
        let files = std::fs::read_dir(&self.folder).into_iter().flatten();
        files
            .filter_map(|file| {
                let name = file.unwrap().file_name().into_string().unwrap();
                Some(name.strip_suffix(".json")?.to_owned())
            })
            .collect()
    }

    /// Returns what the messages and the other requests of a scenario are compared by.
    fn scenario(&self, name: &str) -> Option<(Transcript, BTreeSet<String>)> {
        let text = std::fs::read_to_string(self.folder.join(format!("{name}.json"))).ok()?;
        let mut recording: Value = serde_json::from_str(&self.without_version(&text)).unwrap();
        let background = serde_json::from_value(recording["background"].take()).unwrap();
        // Lists become members, so that one more is one difference.
        for request in recording["backend"].as_array_mut().into_iter().flatten() {
            request["sends"] = members(&request["headerNames"]);
            if let Some(body) = request["body"].as_object_mut() {
                let has = body.get("members").map(members);
                body.insert("has".to_owned(), has.unwrap_or_default());
            }
        }
        Some((serde_json::from_value(recording).unwrap(), background))
    }

    fn without_version(&self, text: &str) -> String {
        text.replace(&self.version, "<version>")
    }
}

/// Turns a list of names into an object with these members.
fn members(list: &Value) -> Value {
    let names = list.as_array().into_iter().flatten();
    let names = names.filter_map(|name| Some((name.as_str()?.to_owned(), true.into())));
    Value::Object(names.collect::<Map<_, _>>())
}

/// Returns what changed in one scenario; nothing if a version has no recording of it.
///
/// # Panics
///
/// When a recording has another form.
#[must_use]
pub fn of_scenario(name: &str, old: &Recorded, new: &Recorded) -> Vec<Difference> {
    let (Some(old), Some(new)) = (old.scenario(name), new.scenario(name)) else {
        return Vec::new();
    };
    let mut found = compare(name, &old.0, &new.0);
    let other_requests = |requests: &BTreeSet<String>| -> Facts {
        let named = |request: &String| (format!("background {request}"), "request".to_owned());
        requests.iter().map(named).collect()
    };
    for mut difference in compare_facts(&other_requests(&old.1), &other_requests(&new.1)) {
        name.clone_into(&mut difference.scenario);
        found.push(difference);
    }
    found
}

/// Returns what changed in the model requests that `tests/conformance/requests/` describes.
///
/// # Panics
///
/// When a recording has another form.
#[must_use]
pub fn of_model_requests(old: &Path, new: &Path) -> Vec<Difference> {
    let conversations = |path: &Path| -> BTreeMap<String, Transcript> {
        let recording = read(path);
        let version = recording["codex"].as_str().unwrap();
        let text = recording["conversations"].to_string();
        let all: Value = serde_json::from_str(&text.replace(version, "<version>")).unwrap();
        let by_model = |conversation: &Value| {
            let mut requests = conversation["requests"].clone();
            for request in requests.as_array_mut().into_iter().flatten() {
                request["route"] = "model request".into();
            }
            let transcript = json!({"exchange": [], "backend": requests, "exit": null});
            let model = conversation["model"].as_str().unwrap().to_owned();
            (model, serde_json::from_value(transcript).unwrap())
        };
        all.as_array().unwrap().iter().map(by_model).collect()
    };
    let (old, new) = (conversations(old), conversations(new));
    let both = old
        .iter()
        .filter_map(|(model, old)| Some((model, old, new.get(model)?)));
    both.flat_map(|(model, old, new)| compare(model, old, new))
        .collect()
}

/// Keeps what changed in a second run, too: the order of some messages is not fixed.
#[must_use]
pub fn lasting(mut found: Vec<Difference>, again: &[Difference]) -> Vec<Difference> {
    let is_same = |one: &Difference, other: &Difference| {
        one.scenario == other.scenario
            && one.at == other.at
            && discriminant(&one.kind) == discriminant(&other.kind)
    };
    found.retain(|one| again.iter().any(|other| is_same(one, other)));
    found
}

/// Writes changes for a reader, one a line, and the scenarios of each if there are several.
#[must_use]
pub fn report(title: &str, found: &[Difference]) -> String {
    let mut by_change: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for Difference { scenario, at, kind } in found {
        let line = match kind {
            Kind::OursOnly(new) => format!("+ {at}: {}", shown(new)),
            Kind::CodexOnly(old) => format!("- {at}: {}", shown(old)),
            Kind::Differs { codex, ours } => format!("~ {at}: {} → {}", shown(codex), shown(ours)),
            Kind::Stuck => format!("~ {at}: waited for in vain"),
        };
        by_change.entry(line).or_default().insert(scenario);
    }
    let mut text = format!("{title}: {}\n", by_change.len());
    for (line, scenarios) in by_change {
        let names: Vec<_> = scenarios.iter().take(NAMED).copied().collect();
        let more = match scenarios.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let _ = match names.as_slice() {
            ["schema"] => writeln!(text, "  {line}"),
            names => writeln!(text, "  {line}\n      {}{more}", names.join(", ")),
        };
    }
    text
}

/// Returns a value, shortened.
fn shown(value: &Value) -> String {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    match text.char_indices().nth(LONGEST) {
        None => text,
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}
