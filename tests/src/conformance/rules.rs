//! The intended differences: `tests/conformance/differences.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::compatibility::Compatibility;
use super::difference::{Difference, Kind};
use super::folder;

/// The file of the differences.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rules {
    /// An explanation for readers of the file.
    #[serde(rename = "about")]
    _about: String,
    /// Scenarios that are also compared with an older version of codex.
    #[serde(default)]
    pub older: Vec<Older>,
    /// The differences. The first matching rule explains a difference.
    pub rules: Vec<Rule>,
}

/// Scenarios in which ours behaves as an older codex did, and not as the newest does.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Older {
    /// The version of codex.
    pub version: String,
    /// The row with the reason.
    pub row: u32,
    /// Names of the scenarios.
    pub scenarios: BTreeSet<String>,
}

/// One kind of intended difference.
///
/// One of `codexOnly`, `oursOnly`, `differs` and `stuck` names the place: the message and, after a
/// blank, the path of the member. `*` stands for any text there and in `codex` and `ours`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Rule {
    /// The row of "Different on purpose" with the reason.
    pub row: Option<u32>,
    /// The older version that the rule is for; without it, all.
    pub version: Option<String>,
    /// Words of "Not there" with the reason.
    pub not_there: Option<String>,
    /// codex sends it, ours does not.
    pub codex_only: Option<String>,
    /// Ours sends it, codex does not.
    pub ours_only: Option<String>,
    /// Both send it, with different values.
    pub differs: Option<String>,
    /// The scenario waits for it in vain.
    pub stuck: Option<String>,
    /// The pattern of codex's value: a string verbatim, anything else as JSON.
    pub codex: Option<String>,
    /// The pattern of our value.
    pub ours: Option<String>,
    /// The scenarios of the rule; all if absent.
    pub scenarios: Option<BTreeSet<String>>,
}

/// The differences after the rules were applied.
#[derive(Clone, Debug, Default)]
pub struct Judgement<'a> {
    /// Differences that no rule explains.
    pub unexplained: Vec<&'a Difference>,
    /// How many differences each rule explains, by its index.
    pub explained: BTreeMap<usize, usize>,
}

impl Rules {
    /// Reads the file.
    ///
    /// # Panics
    ///
    /// When it is missing or has another form.
    #[must_use]
    pub fn read() -> Self {
        Self::read_from(&folder().join("differences.json"))
    }

    /// Reads a file of the same form, for another comparison.
    ///
    /// # Panics
    ///
    /// When it is missing or has another form.
    #[must_use]
    pub fn read_from(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("a file of differences");
        serde_json::from_str(&text).expect("a list of differences")
    }

    /// Returns the older version of codex that a scenario is also compared with.
    #[must_use]
    pub fn older(&self, scenario: &str) -> Option<&Older> {
        let is_it = |older: &&Older| older.scenarios.contains(scenario);
        self.older.iter().find(is_it)
    }

    /// Applies the rules to differences from the newest codex.
    #[must_use]
    pub fn judge<'a>(&self, differences: &'a [Difference]) -> Judgement<'a> {
        let mut judgement = Judgement::default();
        self.judge_further(&mut judgement, differences, None);
        judgement
    }

    /// Applies the rules to further differences, perhaps from an older version.
    pub fn judge_further<'a>(
        &self,
        judgement: &mut Judgement<'a>,
        differences: &'a [Difference],
        version: Option<&str>,
    ) {
        let applies = |rule: &Rule| rule.version.is_none() || rule.version.as_deref() == version;
        for difference in differences {
            let explains = |rule: &Rule| applies(rule) && rule.explains(difference);
            match self.rules.iter().position(explains) {
                Some(place) => *judgement.explained.entry(place).or_default() += 1,
                None => judgement.unexplained.push(difference),
            }
        }
    }

    /// Returns the rules that explain nothing.
    #[must_use]
    pub fn idle(&self, judgement: &Judgement<'_>) -> Vec<&Rule> {
        let rules = self.rules.iter().enumerate();
        rules
            .filter(|(place, _)| !judgement.explained.contains_key(place))
            .map(|(_, rule)| rule)
            .collect()
    }

    /// Returns the entries with a reason that is not in the documentation.
    #[must_use]
    pub fn without_reason(&self, page: &Compatibility) -> Vec<String> {
        let documented = |rule: &&Rule| match (rule.row, &rule.not_there) {
            (Some(row), None) => page.rows.contains(&row),
            (None, Some(words)) => page.not_there.contains(words.as_str()),
            _ => false,
        };
        let rules = self.rules.iter().filter(|rule| !documented(rule));
        let older = self.older.iter().filter(|it| !page.rows.contains(&it.row));
        rules
            .map(|rule| format!("{rule:?}"))
            .chain(older.map(|older| format!("{older:?}")))
            .collect()
    }
}

impl Rule {
    /// Returns whether the rule explains a difference.
    #[must_use]
    pub fn explains(&self, difference: &Difference) -> bool {
        let fits = |pattern: &Option<String>, value: Option<&Value>| match (pattern, value) {
            (None, _) => true,
            (Some(pattern), Some(Value::String(text))) => matches(pattern, text),
            (Some(pattern), Some(value)) => matches(pattern, &value.to_string()),
            (Some(_), None) => false,
        };
        let (place, codex, ours) = match &difference.kind {
            Kind::CodexOnly(value) => (&self.codex_only, Some(value), None),
            Kind::OursOnly(value) => (&self.ours_only, None, Some(value)),
            Kind::Differs { codex, ours } => (&self.differs, Some(codex), Some(ours)),
            Kind::Stuck => (&self.stuck, None, None),
        };
        let scenarios = self.scenarios.as_ref();
        place
            .as_ref()
            .is_some_and(|place| matches(place, &difference.at))
            && fits(&self.codex, codex)
            && fits(&self.ours, ours)
            && scenarios.is_none_or(|scenarios| scenarios.contains(&difference.scenario))
    }
}

/// Returns whether a text matches a pattern in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    text.strip_prefix(start).is_some_and(|behind| {
        let mut places = behind.char_indices().map(|(place, _)| place);
        matches(rest, "")
            || places.any(|place| behind.get(place..).is_some_and(|text| matches(rest, text)))
    })
}
