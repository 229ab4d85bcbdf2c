//! The script as its author wrote it. The README describes the format.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use crate::request::route::Route;
use crate::script::step::{Step, StepError};

/// What to answer instead of the defaults, and to whom.
#[derive(Clone, Default, Deserialize)]
#[serde(try_from = "Written")]
pub struct Script {
    pub(crate) steps: BTreeMap<Route, Vec<Step>>,
    pub(crate) rejected_bearers: HashSet<String>,
    pub(crate) expire_after: Option<u64>,
    pub(crate) allow_anonymous: bool,
}

impl Script {
    /// Reads a script from its text.
    ///
    /// # Errors
    ///
    /// If the text is not a script; the error says where.
    pub fn from_json(text: &str) -> Result<Self, ScriptError> {
        serde_json::from_str::<Written>(text)
            .map_err(ScriptError::Shape)?
            .try_into()
    }

    /// Reads a script from a JSON value, as `serde_json::json!` makes it.
    ///
    /// # Errors
    ///
    /// If the value is not a script; the error says where.
    pub fn from_value(value: Value) -> Result<Self, ScriptError> {
        serde_json::from_value::<Written>(value)
            .map_err(ScriptError::Shape)?
            .try_into()
    }

    /// The same, with each distinct bearer accepted so often and refused from then on.
    #[must_use]
    pub fn expiring_after(mut self, times: u64) -> Self {
        self.expire_after = Some(times);
        self
    }
}

/// Shows how many bearers are rejected, but not which.
impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("steps", &self.steps)
            .field("rejected_bearers", &self.rejected_bearers.len())
            .field("expire_after", &self.expire_after)
            .field("allow_anonymous", &self.allow_anonymous)
            .finish()
    }
}

/// The JSON form, with the steps unread, so that an error in one can name its place.
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
}

/// Serde's own message would quote a bearer that stands in the wrong place.
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
        })
    }
}

/// Why something is not a script.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptError {
    /// It is not JSON, or a member outside the steps is unknown or of the wrong type.
    #[error("bad script: {0}")]
    Shape(serde_json::Error),
    /// `routes` has a member that is not a route.
    #[error(
        "bad script: routes.{name}: no such route, expected one of {}",
        Route::ALL.map(Route::name).join(", ")
    )]
    UnknownRoute {
        /// The member.
        name: String,
    },
    /// A step is wrong.
    #[error("bad script: routes.{route}[{index}]: {error}")]
    Step {
        /// The route that the step belongs to.
        route: Route,
        /// Its place in the list, counted from 0.
        index: usize,
        /// What is wrong with it.
        error: StepError,
    },
}
