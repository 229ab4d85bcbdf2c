//! The progress of a script.

use std::collections::{BTreeMap, VecDeque};

use crate::bearers::Bearers;
use crate::route::Route;
use crate::script::Script;
use crate::step::Step;

/// A script being played.
pub(crate) struct Play {
    pub(crate) bearers: Bearers,
    /// The steps still to come.
    steps: BTreeMap<Route, VecDeque<Step>>,
}

impl Play {
    pub(crate) fn new(script: Script) -> Self {
        let steps = script
            .steps
            .into_iter()
            .map(|(route, steps)| (route, steps.into()))
            .collect();
        Self {
            bearers: Bearers::new(script.rejected_bearers, script.expire_after)
                .allow_anonymous(script.allow_anonymous),
            steps,
        }
    }

    /// The step for the next request to `route`; the default answer once the script has no more.
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
    use crate::step::Content;

    /// The statuses of the first `count` steps for usage; 200 stands for the default answer.
    fn statuses(script: &str, count: usize) -> Vec<u16> {
        let mut play = Play::new(Script::from_json(script).unwrap());
        let mut next = || match play.next_step(Route::Usage).content {
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
