//! The results: a value per figure and candidate, and its relation to the goal.

use std::collections::BTreeMap;

use crate::candidate::{Candidate, Kind};
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
    /// About the run and its machine.
    pub(crate) facts: Vec<(&'static str, String)>,
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

impl Results {
    /// Returns empty results.
    pub(crate) const fn of(candidates: Vec<Candidate>, facts: Vec<(&'static str, String)>) -> Self {
        Self {
            candidates,
            facts,
            growths: Vec::new(),
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
        let value = metric.of_rounds(self.rounds(metric.id, candidate))?;
        let Some(beyond) = metric.beyond else {
            return Some(value);
        };
        let other = METRICS.iter().find(|other| other.id == beyond)?;
        Some(value - self.value(other, candidate)?)
    }

    /// Returns the value of each round.
    pub(crate) fn rounds(&self, metric: &'static str, candidate: usize) -> &[f64] {
        let samples = self.samples.get(&(metric, candidate));
        samples.map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns the value of the server of this repository.
    pub(crate) fn own(&self, metric: &Metric) -> Option<f64> {
        self.value(metric, self.place(Kind::Own)?)
    }

    /// Returns the value of the echo process.
    pub(crate) fn echo(&self, metric: &Metric) -> Option<f64> {
        self.value(metric, self.place(Kind::Echo)?)
    }

    /// Returns the bound of the goal, in the unit of the figure.
    pub(crate) fn bound(&self, metric: &Metric) -> Option<f64> {
        match metric.goal {
            Goal::Nothing => None,
            Goal::TimesEcho(times) => Some(self.echo(metric)? * times),
            Goal::AtMost(bound) | Goal::AtLeast(bound) => Some(bound),
        }
    }

    /// Returns whether the goal was reached.
    pub(crate) fn verdict(&self, metric: &Metric) -> Verdict {
        let (Some(own), Some(bound)) = (self.own(metric), self.bound(metric)) else {
            return Verdict::Open;
        };
        let reached = match metric.goal {
            Goal::AtLeast(_) => own >= bound,
            _ => own <= bound,
        };
        if reached {
            Verdict::Reached
        } else {
            Verdict::Missed
        }
    }

    /// Iterates over the figures with a value.
    pub(crate) fn metrics(&self) -> impl Iterator<Item = &'static Metric> {
        let measured = |metric: &&Metric| self.samples.keys().any(|(id, _)| *id == metric.id);
        METRICS.iter().filter(measured)
    }

    fn place(&self, kind: Kind) -> Option<usize> {
        self.candidates
            .iter()
            .position(|candidate| candidate.kind == kind)
    }
}
