//! The charts: each goal and its distance, and the growth of cost.

use super::svg::{Anchor, Drawing};
use super::text;
use crate::candidate::Kind;
use crate::growth::Growth;
use crate::metric::{Goal, Unit};
use crate::results::Results;

const GREY: &str = "#d0d7de";
const DARK: &str = "#57606a";
const COLOURS: [&str; 6] = [
    "#0969da", "#bf3989", "#9a6700", "#1a7f37", "#8250df", "#cf222e",
];

/// A logarithmic axis.
#[derive(Clone, Copy)]
struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    /// Returns an axis between powers of ten that includes all values.
    fn around(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Self {
        let low = values.clone().fold(f64::INFINITY, f64::min).log10().floor();
        let high = values.fold(0.0, f64::max).log10().ceil();
        Self {
            low,
            high: high.max(low + 1.0),
            from,
            to,
        }
    }

    fn place(self, value: f64) -> f64 {
        let share = (value.log10() - self.low) / (self.high - self.low);
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// Iterates over the powers of ten.
    fn ticks(self) -> impl Iterator<Item = f64> {
        let mut exponent = self.low;
        std::iter::from_fn(move || {
            let tick = (exponent <= self.high).then(|| 10_f64.powf(exponent));
            exponent += 1.0;
            tick
        })
    }
}

/// Draws all goals on one scale: a dot left of the line has reached its goal, by the factor of the
/// distance.
pub(crate) fn goals(results: &Results) -> String {
    let mut rows = Vec::new();
    for metric in results.metrics() {
        let dots: Vec<_> = (0..results.candidates.len())
            .filter_map(|at| {
                let value = results.value(metric, at)?;
                let bound = results.bound(metric, at).filter(|bound| *bound > 0.0)?;
                let share = match results.goal(metric, at) {
                    Goal::AtLeast(_) | Goal::AtLeastTimesEcho(_) => bound / value,
                    _ => value / bound,
                };
                // Zero is not on a logarithmic scale; the table contains it.
                (share.is_finite() && share > 0.0).then_some((at, share))
            })
            .collect();
        if !dots.is_empty() {
            rows.push((metric, dots));
        }
    }
    let shares = rows.iter().flat_map(|(_, dots)| dots).map(|dot| dot.1);
    let axis = Axis::around(shares.chain([1.0]), 470.0, 960.0);
    let bottom = 60.0 + 26.0 * float(rows.len());
    let mut drawing = Drawing::new(1000.0, bottom + 60.0);
    for tick in axis.ticks() {
        let x = axis.place(tick);
        drawing.line((x, 40.0), (x, bottom), GREY);
        drawing.text((x, bottom + 16.0), Anchor::Middle, 11, &format!("{tick}×"));
    }
    let goal = axis.place(1.0);
    drawing.line((goal, 40.0), (goal, bottom), DARK);
    drawing.text(
        (goal, bottom + 34.0),
        Anchor::Middle,
        11,
        "goal: left of here",
    );
    for (row, (metric, dots)) in rows.iter().enumerate() {
        let y = 60.0 + 26.0 * float(row);
        let goal = text::goals(metric);
        drawing.text(
            (455.0, y + 4.0),
            Anchor::End,
            12,
            &format!("{}: {goal}", metric.title),
        );
        // The server of this repository in front of the others.
        for own in [false, true] {
            for (at, share) in dots {
                if (results.candidates.get(*at).map(|c| c.kind) == Some(Kind::Own)) == own {
                    drawing.dot((axis.place(*share), y), colour(*at));
                }
            }
        }
    }
    let mut x = 30.0;
    for (at, candidate) in results.candidates.iter().enumerate() {
        drawing.dot((x, 20.0), colour(at));
        drawing.text((x + 10.0, 24.0), Anchor::Start, 12, &candidate.name);
        x += 180.0;
    }
    drawing.finish()
}

/// Draws panels of the growth of cost, two in a row.
pub(crate) fn growths(growths: &[Growth]) -> String {
    let rows = float(growths.len().div_ceil(2));
    let mut drawing = Drawing::new(1000.0, 330.0 * rows);
    for (number, growth) in growths.iter().enumerate() {
        let left = 500.0 * float(number % 2);
        let top = 330.0 * float(number / 2);
        panel(&mut drawing, growth, left, top);
    }
    drawing.finish()
}

fn panel(drawing: &mut Drawing, growth: &Growth, left: f64, top: f64) {
    let points = growth.series.iter().flat_map(|series| &series.points);
    let along = Axis::around(
        points.clone().map(|point| point.0),
        left + 70.0,
        left + 475.0,
    );
    let up = Axis::around(points.map(|point| point.1), top + 260.0, top + 60.0);
    let title = format!("{}: {}", growth.title, growth.up);
    drawing.text((left + 70.0, top + 24.0), Anchor::Start, 14, &title);
    for tick in along.ticks() {
        let x = along.place(tick);
        drawing.line((x, up.from), (x, up.to), GREY);
        let label = text::value(Unit::Count, tick);
        drawing.text((x, up.from + 16.0), Anchor::Middle, 10, &label);
    }
    for tick in up.ticks() {
        let y = up.place(tick);
        drawing.line((along.from, y), (along.to, y), GREY);
        let label = text::value(Unit::Seconds, tick * 1.000_001);
        drawing.text((along.from - 6.0, y + 4.0), Anchor::End, 10, &label);
    }
    let middle = (along.from + along.to) / 2.0;
    drawing.text((middle, up.from + 34.0), Anchor::Middle, 11, growth.along);
    for (number, series) in growth.series.iter().enumerate() {
        let points: Vec<_> = series
            .points
            .iter()
            .map(|point| (along.place(point.0), up.place(point.1)))
            .collect();
        drawing.path(&points, colour(number));
        for point in points {
            drawing.dot(point, colour(number));
        }
        let x = 200.0f64.mul_add(float(number), left + 76.0);
        drawing.dot((x, top + 44.0), colour(number));
        let label = format!("{}: {}", series.name, growth.shape_of(series).word());
        drawing.text((x + 10.0, top + 48.0), Anchor::Start, 11, &label);
    }
}

fn colour(number: usize) -> &'static str {
    COLOURS.get(number % COLOURS.len()).copied().unwrap_or(DARK)
}

#[expect(clippy::cast_precision_loss, reason = "a handful of rows")]
const fn float(count: usize) -> f64 {
    count as f64
}
