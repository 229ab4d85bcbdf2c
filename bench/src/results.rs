//! The results: a value per figure and candidate, and its relation to the goal.

use std::collections::BTreeMap;

use crate::candidate::{Candidate, Kind};
use crate::far::Far;
use crate::growth::Growth;
use crate::metric::{Goal, Metric};
use crate::metrics::METRICS;

/// All samples of a run.
#[derive(Debug)]
pub(crate) struct Results {
    /// The measured programs.
    pub(crate) candidates: Vec<Candidate>,
    /// The growth of cost.
    pub(crate) growths: Vec<Growth>,
    /// The far backend.
    pub(crate) far: Far,
    /// About the run and its machine.
    pub(crate) facts: Vec<(String, String)>,
    samples: BTreeMap<(&'static str, usize), Vec<f64>>,
}

/// The outcome of a goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It was reached.
    Reached,
    /// It was missed.
    Missed,
    /// There is no goal, or nothing to compare.
    Open,
}

impl Verdict {
    /// Returns the verdict on a goal that there is.
    pub(crate) const fn of(is_reached: bool) -> Self {
        if is_reached {
            Self::Reached
        } else {
            Self::Missed
        }
    }

    /// Returns its name on the page.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::Missed => "**missed**",
            Self::Open => "",
        }
    }
}

impl Results {
    /// Returns empty results.
    pub(crate) const fn of(candidates: Vec<Candidate>, facts: Vec<(String, String)>) -> Self {
        Self {
            candidates,
            facts,
            growths: Vec::new(),
            far: Far::NotMeasured,
            samples: BTreeMap::new(),
        }
    }

    /// Adds a sample of the candidate with this index.
    pub(crate) fn add(&mut self, metric: &'static str, candidate: usize, value: f64) {
        let samples = self.samples.entry((metric, candidate)).or_default();
        samples.push(value);
    }

    /// Returns the value over all rounds.
    pub(crate) fn value(&self, metric: &Metric, candidate: usize) -> Option<f64> {
        let values = self.rounds(metric.id, candidate);
        let Some(beyond) = metric.beyond else {
            return metric.of_rounds(values);
        };
        // Both are of the same round: the machine differs from one to the next.
        let others = self.rounds(beyond, candidate);
        if values.len() != others.len() {
            return None;
        }
        let differences = values
            .iter()
            .zip(others)
            .map(|(value, other)| value - other);
        metric.of_rounds(&differences.collect::<Vec<_>>())
    }

    /// Returns the value of each round.
    pub(crate) fn rounds(&self, metric: &'static str, candidate: usize) -> &[f64] {
        let samples = self.samples.get(&(metric, candidate));
        samples.map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns the indices of the builds of this repository's server.
    pub(crate) fn own(&self) -> impl Iterator<Item = usize> {
        let candidates = self.candidates.iter().enumerate();
        candidates.filter_map(|(at, candidate)| (candidate.kind == Kind::Own).then_some(at))
    }

    /// Returns the value of the echo process.
    pub(crate) fn echo(&self, metric: &Metric) -> Option<f64> {
        let is_echo = |candidate: &Candidate| candidate.kind == Kind::Echo;
        self.value(metric, self.candidates.iter().position(is_echo)?)
    }

    /// Returns the goal that a candidate is measured by.
    pub(crate) fn goal(&self, metric: &Metric, candidate: usize) -> Goal {
        let is_slim = self.candidates.get(candidate).is_some_and(|it| it.is_slim);
        metric.slim_goal.filter(|_| is_slim).unwrap_or(metric.goal)
    }

    /// Returns the bound of that goal, in the unit of the figure.
    pub(crate) fn bound(&self, metric: &Metric, candidate: usize) -> Option<f64> {
        match self.goal(metric, candidate) {
            Goal::Nothing => None,
            Goal::TimesEcho(times) | Goal::AtLeastTimesEcho(times) => {
                Some(self.echo(metric)? * times)
            }
            Goal::AtMost(bound) | Goal::AtLeast(bound) => Some(bound),
        }
    }

    /// Returns whether a candidate reached the goal.
    pub(crate) fn verdict(&self, metric: &Metric, candidate: usize) -> Verdict {
        let value = self.value(metric, candidate);
        let (Some(value), Some(bound)) = (value, self.bound(metric, candidate)) else {
            return Verdict::Open;
        };
        let is_reached = match self.goal(metric, candidate) {
            Goal::AtLeast(_) | Goal::AtLeastTimesEcho(_) => value >= bound,
            _ => value <= bound,
        };
        Verdict::of(is_reached)
    }

    /// Iterates over the figures with a value.
    pub(crate) fn metrics(&self) -> impl Iterator<Item = &'static Metric> {
        let measured = |metric: &&Metric| self.samples.keys().any(|(id, _)| *id == metric.id);
        METRICS.iter().filter(measured)
    }
}

#[cfg(test)]
mod tests {
    use super::{Results, Verdict};
    use crate::candidate::Candidate;
    use crate::metrics::METRICS;

    #[test]
    fn a_difference_is_that_of_one_round() {
        let mut results = Results::of(vec![Candidate::echo().unwrap()], Vec::new());
        // The second round was disturbed as a whole, the third in what is subtracted.
        for (value, other) in [(5.0, 3.0), (14.0, 11.0), (6.0, 5.0)] {
            results.add("delta-p50", 0, value);
            results.add("direct-p50", 0, other);
        }
        let metric = METRICS.iter().find(|metric| metric.id == "delta-p50");
        assert_eq!(results.value(metric.unwrap(), 0), Some(2.0));
        results.add("delta-p50", 0, 1.0);
        assert_eq!(
            results.value(metric.unwrap(), 0),
            None,
            "a round is missing"
        );
    }

    #[test]
    fn each_build_is_measured_by_its_own_goal() {
        let own = |name| Candidate::own(name, &std::env::current_exe().unwrap()).unwrap();
        let candidates = vec![Candidate::echo().unwrap(), own("full"), own("slim").slim()];
        let mut results = Results::of(candidates, Vec::new());
        for (at, seconds) in [(0, 1.0), (1, 0.95), (2, 0.95)] {
            results.add("start", at, seconds);
        }
        for (at, rate) in [(0, 100.0), (1, 30.0), (2, 29.0)] {
            results.add("pipelined", at, rate);
        }
        let verdicts = |id: &str| {
            let metric = METRICS.iter().find(|metric| metric.id == id).unwrap();
            [0, 1, 2].map(|at| results.verdict(metric, at))
        };
        let own = results.own().collect::<Vec<_>>();
        assert_eq!(own, [1, 2]);
        assert_eq!(verdicts("start")[1..], [Verdict::Reached, Verdict::Missed]);
        // Of rates, more is better.
        let expected = [Verdict::Reached, Verdict::Missed];
        assert_eq!(verdicts("pipelined")[1..], expected);
        assert_eq!(verdicts("login"), [Verdict::Open; 3]);
    }
}
