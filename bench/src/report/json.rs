//! The run as JSON, for comparing runs.

use serde_json::{Value, json};

use crate::metric::{Goal, Unit};
use crate::results::{Results, Verdict};

/// Returns all measurements.
pub(crate) fn json(results: &Results) -> Value {
    let facts = results.facts.iter();
    let facts: Value = facts
        .map(|(name, fact)| (name.clone(), Value::from(fact.as_str())))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let figures: Vec<_> = results
        .metrics()
        .map(|metric| {
            let values: serde_json::Map<_, _> = results
                .candidates
                .iter()
                .enumerate()
                .map(|(at, candidate)| (candidate.name.clone(), results.value(metric, at).into()))
                .collect();
            let rounds: serde_json::Map<_, _> = results
                .candidates
                .iter()
                .enumerate()
                .map(|(at, candidate)| {
                    let rounds = results.rounds(metric.id, at);
                    (candidate.name.clone(), rounds.into())
                })
                .collect();
            let slim_goal = metric.slim_goal.map(goal);
            let reached: serde_json::Map<_, _> = results
                .own()
                .filter_map(|at| {
                    let is_reached = match results.verdict(metric, at) {
                        Verdict::Reached => true,
                        Verdict::Missed => false,
                        Verdict::Open => return None,
                    };
                    Some((results.candidates.get(at)?.name.clone(), is_reached.into()))
                })
                .collect();
            json!({"id": metric.id, "title": metric.title, "unit": unit(metric.unit),
               "goal": goal(metric.goal), "slimGoal": slim_goal, "reached": reached, "beyond": metric.beyond, "values": values, "rounds": rounds})
        })
        .collect();
    let growths: Vec<_> = results
        .growths
        .iter()
        .map(|growth| {
            let series: serde_json::Map<_, _> = growth
                .series
                .iter()
                .map(|series| {
                    let line = json!({"points": series.points, "exponent": series.exponent(),
                                      "shape": growth.shape_of(series).word()});
                    (series.name.clone(), line)
                })
                .collect();
            json!({"title": growth.title, "along": growth.along, "seconds": growth.up,
                   "series": series})
        })
        .collect();
    json!({"facts": facts, "far": results.far.json(), "figures": figures, "growth": growths})
}

fn goal(goal: Goal) -> Value {
    match goal {
        Goal::Nothing => Value::Null,
        Goal::TimesEcho(times) => json!({"atMostTimesEcho": times}),
        Goal::AtMost(bound) => json!({"atMost": bound}),
        Goal::AtLeast(bound) => json!({"atLeast": bound}),
        Goal::AtLeastTimesEcho(times) => json!({"atLeastTimesEcho": times}),
    }
}

const fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Seconds => "seconds",
        Unit::PerSecond => "per second",
        Unit::Bytes => "bytes",
        Unit::BytesPerSecond => "bytes per second",
        Unit::Count => "count",
    }
}
