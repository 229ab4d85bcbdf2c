//! The metrics: unit and goal.

use crate::samples::Samples;

/// The unit of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A time, in seconds.
    Seconds,
    /// A rate per second.
    PerSecond,
    /// Bytes.
    Bytes,
    /// Bytes per second.
    BytesPerSecond,
    /// A number.
    Count,
}

/// The goal for the server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Goal {
    /// None: the figure explains others.
    Nothing,
    /// At most this multiple of the echo process.
    TimesEcho(f64),
    /// At most this.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
    /// At least this multiple of the echo process.
    AtLeastTimesEcho(f64),
}

/// One figure.
#[derive(Debug)]
pub(crate) struct Metric {
    /// Its name in the JSON.
    pub(crate) id: &'static str,
    /// Its name in the page.
    pub(crate) title: &'static str,
    /// Its unit.
    pub(crate) unit: Unit,
    /// Its goal.
    pub(crate) goal: Goal,
    /// The goal of the build without optional features, if it is another one.
    pub(crate) slim_goal: Option<Goal>,
    /// The figure to subtract: this one is the difference.
    pub(crate) beyond: Option<&'static str>,
    /// Whether it is about the slowest of many, so that it depends on the disturbances of a round.
    pub(crate) is_tail: bool,
    /// The limiting factor, printed if the goal is missed.
    pub(crate) limit: &'static str,
}

impl Metric {
    /// Selects the representative value of several rounds. Disturbances make a program slower and
    /// never faster, so the best of times counts; of other figures the worst.
    ///
    /// Of a tail the median counts: the best is the round with the least disturbance, not what the
    /// program takes. So it does of a difference, which is also small where the disturbance was in
    /// what is subtracted.
    pub(crate) fn of_rounds(&self, values: &[f64]) -> Option<f64> {
        if self.is_tail || self.beyond.is_some() {
            return Samples::new(values.to_vec()).median();
        }
        let least = values.iter().copied().reduce(f64::min);
        let most = values.iter().copied().reduce(f64::max);
        match (self.unit, self.goal) {
            (Unit::Seconds, _) | (Unit::Count, Goal::AtLeast(_)) => least,
            _ => most,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::metrics::METRICS;

    #[test]
    fn of_times_the_best_counts_and_of_numbers_the_worst() {
        let of = |id: &str| {
            let metric = METRICS.iter().find(|metric| metric.id == id).unwrap();
            metric.of_rounds(&[2.0, 1.0, 3.0])
        };
        assert_eq!(of("start"), Some(1.0));
        assert_eq!(of("pipelined"), Some(3.0));
        assert_eq!(of("pipelined-lost"), Some(3.0));
        assert_eq!(of("storm-succeeded"), Some(1.0));
        assert_eq!(of("memory"), Some(3.0));
    }

    #[test]
    fn of_tails_and_differences_the_median_counts() {
        for metric in METRICS {
            let is_tail = metric.id.contains("p99");
            assert_eq!(metric.is_tail, is_tail, "{}", metric.id);
            if is_tail || metric.beyond.is_some() {
                let median = metric.of_rounds(&[5.0, 1.0, 2.0]);
                assert_eq!(median, Some(2.0), "{}", metric.id);
            }
        }
    }

    #[test]
    fn what_is_taken_off_is_measured_too() {
        for beyond in METRICS.iter().filter_map(|metric| metric.beyond) {
            assert!(METRICS.iter().any(|metric| metric.id == beyond), "{beyond}");
        }
    }
}
