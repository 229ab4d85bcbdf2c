//! The JSON document of a script. The README describes the format.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::arguments;
use super::error::ScriptError;
use crate::request::route::Route;
use crate::script::step::Step;
use crate::settings::measured::Settings;

/// The scripted responses and settings.
#[derive(Clone, Default, Deserialize)]
#[serde(try_from = "Written")]
pub struct Script {
    pub(crate) steps: BTreeMap<Route, Vec<Step>>,
    pub(crate) rejected_bearers: HashSet<String>,
    pub(crate) expire_after: Option<u64>,
    pub(crate) allow_anonymous: bool,
    pub(crate) settings: Settings,
}

impl Script {
    /// Parses a script.
    ///
    /// # Errors
    ///
    /// If the text is not a script; the error names the place.
    pub fn from_json(text: &str) -> Result<Self, ScriptError> {
        serde_json::from_str::<Written>(text)
            .map_err(ScriptError::Shape)?
            .try_into()
    }

    /// Parses a script from a JSON value, as from `serde_json::json!`.
    ///
    /// # Errors
    ///
    /// If the value is not a script; the error names the place.
    pub fn from_value(value: Value) -> Result<Self, ScriptError> {
        serde_json::from_value::<Written>(value)
            .map_err(ScriptError::Shape)?
            .try_into()
    }

    /// Returns the script for a backend without the real one's refusals: for tests whose requests
    /// are not those of a real client.
    #[must_use]
    pub fn lenient(mut self) -> Self {
        self.settings.strict = false;
        self
    }

    /// Returns the script with additions of a command line: presets as `[ROUTE=]NAME[:TIMES]`,
    /// which precede the steps of the script, and settings as `NAME=VALUE`.
    ///
    /// # Errors
    ///
    /// If a preset, route or setting does not exist; the error names it.
    pub fn with(mut self, presets: &[String], settings: &[String]) -> Result<Self, ScriptError> {
        for text in presets.iter().rev() {
            let (route, step) = arguments::preset(text)?;
            self.steps.entry(route).or_default().insert(0, step);
        }
        self.settings = arguments::change(self.settings, settings)?;
        Ok(self)
    }

    /// Returns the script with a limit of uses for each distinct bearer, which is refused
    /// afterwards.
    #[must_use]
    pub fn expiring_after(mut self, times: u64) -> Self {
        self.expire_after = Some(times);
        self
    }
}

/// Shows how many bearers are rejected, without their values.
impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("steps", &self.steps)
            .field("rejected_bearers", &self.rejected_bearers.len())
            .field("expire_after", &self.expire_after)
            .field("allow_anonymous", &self.allow_anonymous)
            .field("settings", &self.settings)
            .finish()
    }
}

/// The JSON form, with unparsed steps, so that an error in one can name its place.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    #[serde(default)]
    routes: BTreeMap<String, Vec<Value>>,
    #[serde(default)]
    rejected_bearers: BearerList,
    expire_after: Option<u64>,
    #[serde(default)]
    allow_anonymous: bool,
    #[serde(default)]
    settings: Settings,
}

/// Serde's own message would quote a misplaced bearer.
#[derive(Deserialize)]
#[serde(untagged, expecting = "rejectedBearers must be a list of strings")]
enum BearerList {
    Bearers(HashSet<String>),
}

impl Default for BearerList {
    fn default() -> Self {
        Self::Bearers(HashSet::new())
    }
}

impl TryFrom<Written> for Script {
    type Error = ScriptError;

    fn try_from(written: Written) -> Result<Self, ScriptError> {
        let mut steps = BTreeMap::new();
        for (name, values) in written.routes {
            let Some(route) = Route::named(&name) else {
                return Err(ScriptError::UnknownRoute { name });
            };
            let read = |(index, value)| {
                Step::from_value(value).map_err(|error| ScriptError::Step {
                    route,
                    index,
                    error,
                })
            };
            steps.insert(
                route,
                values
                    .into_iter()
                    .enumerate()
                    .map(read)
                    .collect::<Result<_, _>>()?,
            );
        }
        let BearerList::Bearers(rejected_bearers) = written.rejected_bearers;
        Ok(Self {
            steps,
            rejected_bearers,
            expire_after: written.expire_after,
            allow_anonymous: written.allow_anonymous,
            settings: written.settings,
        })
    }
}
