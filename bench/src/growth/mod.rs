//! How cost grows with size and number.

mod connections;
mod in_flight;
mod message_size;
pub(crate) mod waiters;

use crate::Failure;
use crate::candidate::Candidate;
use crate::measure::Scale;

/// A line of a chart.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// What it shows.
    pub(crate) name: String,
    /// How many or how large, and the time that one took, in seconds.
    pub(crate) points: Vec<(f64, f64)>,
}

/// A chart.
#[derive(Clone, Debug)]
pub(crate) struct Growth {
    /// What it shows.
    pub(crate) title: &'static str,
    /// What lies along it.
    pub(crate) along: &'static str,
    /// What stands up it.
    pub(crate) up: &'static str,
    /// Its lines.
    pub(crate) series: Vec<Series>,
}

type Measure = fn(&Candidate, &Candidate, Scale) -> Result<Growth, Failure>;

/// All of them; each takes the server and the echo process.
pub(crate) const GROWTHS: &[(&str, Measure)] = &[
    ("message size", message_size::measure),
    ("requests in flight", in_flight::measure),
    ("connections", connections::measure),
    ("refresh waiters", waiters::measure),
];

impl Growth {
    /// How much dearer the last point of each line is than its cheapest: 1 is flat.
    pub(crate) fn steepness(&self) -> Vec<(&str, f64)> {
        let steepness = |series: &Series| {
            let cheapest = series.points.iter().map(|point| point.1);
            let cheapest = cheapest.fold(f64::INFINITY, f64::min);
            series.points.last().map_or(1.0, |last| last.1 / cheapest)
        };
        let all = self.series.iter();
        all.map(|series| (series.name.as_str(), steepness(series)))
            .collect()
    }
}
