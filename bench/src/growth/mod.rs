//! Growth of cost with size and number.

mod connections;
mod in_flight;
mod message_size;
pub(crate) mod waiters;

use crate::Failure;
use crate::candidate::Candidate;
use crate::measure::{Scale, number};

/// A line of a chart.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// Its name.
    pub(crate) name: String,
    /// The number or size, and the time per unit, in seconds.
    pub(crate) points: Vec<(f64, f64)>,
}

/// A chart.
#[derive(Clone, Debug)]
pub(crate) struct Growth {
    /// Its title.
    pub(crate) title: &'static str,
    /// The label of the x axis.
    pub(crate) along: &'static str,
    /// The label of the y axis.
    pub(crate) up: &'static str,
    /// The expected shape of its lines.
    pub(crate) shape: Shape,
    /// The reason for a steep part.
    pub(crate) note: &'static str,
    /// Its lines.
    pub(crate) series: Vec<Series>,
}

/// The growth of a cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Constant: one more costs as much as the one before.
    Flat,
    /// Linear in x.
    Linear,
    /// More than linear.
    Steep,
}

impl Shape {
    /// Returns its name.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::Linear => "linear",
            Self::Steep => "steep",
        }
    }

    const fn exponent(self) -> f64 {
        match self {
            Self::Flat => 0.0,
            Self::Linear | Self::Steep => 1.0,
        }
    }
}

/// Tolerance of the exponent, for noise.
const LEEWAY: f64 = 0.2;
/// The last part of a line is taken from this factor below its end: constant costs hide growing
/// ones at first.
const END: f64 = 100.0;

type Measure = fn(&Candidate, &Candidate, Scale) -> Result<Growth, Failure>;

/// All charts; each takes the server and the echo process.
pub(crate) const GROWTHS: &[(&str, Measure)] = &[
    ("message size", message_size::measure),
    ("requests in flight", in_flight::measure),
    ("connections", connections::measure),
    ("refresh waiters", waiters::measure),
];

impl Series {
    /// Returns the exponent of the cost in x, at the end of the line.
    pub(crate) fn exponent(&self) -> f64 {
        let last = self.points.last().map_or(0.0, |point| point.0);
        let end = self.points.iter().filter(|point| point.0 * END >= last);
        let logarithms: Vec<_> = end.map(|(x, y)| (x.ln(), y.ln())).collect();
        let count = number(logarithms.len());
        let mean = |of: fn(&(f64, f64)) -> f64| logarithms.iter().map(of).sum::<f64>() / count;
        let (x, y) = (mean(|point| point.0), mean(|point| point.1));
        let covariance: f64 = logarithms.iter().map(|at| (at.0 - x) * (at.1 - y)).sum();
        let variance: f64 = logarithms.iter().map(|at| (at.0 - x).powi(2)).sum();
        covariance / variance
    }
}

impl Growth {
    /// Returns the shape of a line.
    pub(crate) fn shape_of(&self, series: &Series) -> Shape {
        if series.exponent() <= self.shape.exponent() + LEEWAY {
            self.shape
        } else {
            Shape::Steep
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Growth, Series, Shape};

    fn shape(shape: Shape, cost: fn(f64) -> f64) -> Shape {
        let points = [1.0, 10.0, 100.0, 1e3, 1e4].map(|x| (x, cost(x)));
        let series = Series {
            name: String::new(),
            points: points.into(),
        };
        let growth = Growth {
            title: "",
            along: "",
            up: "",
            shape,
            note: "",
            series: Vec::new(),
        };
        growth.shape_of(&series)
    }

    #[test]
    fn a_steep_growth_is_reported() {
        assert_eq!(shape(Shape::Flat, |_| 3.0), Shape::Flat);
        assert_eq!(shape(Shape::Flat, |x| 9.0 + x / 10.0), Shape::Steep);
        assert_eq!(shape(Shape::Linear, |x| 50.0 + 2.0 * x), Shape::Linear);
        assert_eq!(shape(Shape::Linear, |x| x * x), Shape::Steep);
    }
}
