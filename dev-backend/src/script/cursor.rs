//! The progress of a script.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::request::route::Route;
use crate::script::bearers::Bearers;
use crate::script::document::Script;
use crate::script::step::Step;
use crate::settings::measured::Settings;

/// A script and its progress.
pub(crate) struct ScriptCursor {
    pub(crate) bearers: Bearers,
    pub(crate) settings: Arc<Settings>,
    /// The remaining steps.
    steps: BTreeMap<Route, VecDeque<Step>>,
}

impl ScriptCursor {
    pub(crate) fn new(script: Script) -> Self {
        let steps = script
            .steps
            .into_iter()
            .map(|(route, steps)| (route, steps.into()))
            .collect();
        Self {
            settings: Arc::new(script.settings),
            bearers: Bearers::new(script.rejected_bearers, script.expire_after)
                .allow_anonymous(script.allow_anonymous),
            steps,
        }
    }

    /// Returns the step for the next request to `route`; the default response after the end of the
    /// script.
    pub(crate) fn next_step(&mut self, route: Route) -> Step {
        let Some(steps) = self.steps.get_mut(&route) else {
            return Step::default();
        };
        match steps.front_mut() {
            None => Step::default(),
            Some(step) if step.repeat == 0 => step.clone(),
            Some(step) if step.repeat > 1 => {
                step.repeat -= 1;
                step.clone()
            }
            Some(_) => steps.pop_front().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::step::Content;

    /// Returns the statuses of the first `count` steps for usage; 200 stands for the default
    /// response.
    fn statuses(script: &str, count: usize) -> Vec<u16> {
        let mut cursor = ScriptCursor::new(Script::from_json(script).unwrap());
        let mut next = || match cursor.next_step(Route::Usage).content {
            Content::Plain { status, .. } => status.as_u16(),
            _ => 200,
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn steps_are_played_in_order_and_then_the_default() {
        let script =
            r#"{"routes": {"usage": [{"status": 500, "repeat": 2}, {}, {"status": 429}]}}"#;
        assert_eq!(statuses(script, 6), [500, 500, 200, 429, 200, 200]);
    }

    #[test]
    fn repeat_zero_is_for_ever() {
        let script = r#"{"routes": {"usage": [{"status": 500}, {"status": 503, "repeat": 0}]}}"#;
        assert_eq!(statuses(script, 5), [500, 503, 503, 503, 503]);
    }
}
