//! The run as a page of Markdown: ratios first, then the measurements.

use std::fmt::Write as _;

use super::text;
use crate::candidate::Kind;
use crate::growth::Shape;
use crate::results::{Results, Verdict};

const INTRODUCTION: &str = "\
# Performance

How fast and how small the server is, next to an echo process (`cat`, which is what the pipe costs
and nothing else) and to other app-servers. `./bench.sh --write-docs` writes this page; all figures
are from one run in which the programs took turns, round after round. Of times and rates the best
round counts, for all programs alike, because what else happens on a machine makes a program slower
and never faster; of everything else the worst. `performance.json` has every round.
Ratios come first: they carry over to other machines, absolute times do not.
";

const METHOD: &str = "\
## How it is measured

The driver (`bench/`) uses raw pipes and blocking calls, so that it measures the program and not
itself. Each figure is taken in a fresh process, in a home of its own, against a backend and a
model on loopback. Round trips are one `account/read` at a time; pipelined requests are written
without waiting for any answer. The time of a streamed delta is that from the model's write to the
host's read, less the same on a direct connection. Peers get fewer repetitions where they are slow.
A dash means that a figure does not exist for a program, or that it could not be taken.

Instructions rather than times guard against regressions: see `bench/instructions.sh`.
";

/// Returns the whole page.
pub(crate) fn page(results: &Results) -> String {
    let mut page = String::from(INTRODUCTION);
    // Writing to a string cannot fail.
    let _ = writeln!(page, "\n| | |\n|---|---|");
    for (name, fact) in &results.facts {
        let _ = writeln!(page, "| {name} | {fact} |");
    }
    page += "\n## Ratios\n\nBelow 1× is less than the other; for rates, above 1× is faster.\n\n";
    page += &ratios(results);
    page += "\n![Each goal, and how far each program is from it](performance-goals.svg)\n";
    page += &misses(results);
    page += "\n## Figures\n\n";
    page += &table(results);
    page += &growth(results);
    page.push('\n');
    page += METHOD;
    page
}

/// Returns the absolute figures.
pub(crate) fn table(results: &Results) -> String {
    let names: Vec<_> = results
        .candidates
        .iter()
        .map(|candidate| candidate.name.as_str())
        .collect();
    let mut table = format!("| figure | {} |\n|---|", names.join(" | "));
    table += &"---:|".repeat(names.len());
    table.push('\n');
    for metric in results.metrics() {
        let _ = write!(table, "| {} |", metric.title);
        for at in 0..names.len() {
            let value = results.value(metric, at);
            let value = value.map_or_else(|| "–".to_owned(), |v| text::value(metric.unit, v));
            let _ = write!(table, " {value} |");
        }
        table.push('\n');
    }
    table
}

fn ratios(results: &Results) -> String {
    let others: Vec<_> = results
        .candidates
        .iter()
        .enumerate()
        .filter(|(_, candidate)| candidate.kind != Kind::Own)
        .collect();
    let mut table = String::from("| byokey next to … | goal | |");
    for (_, other) in &others {
        let _ = write!(table, " {} |", other.name);
    }
    table += "\n|---|---|---|";
    table += &"---:|".repeat(others.len());
    table.push('\n');
    for metric in results.metrics() {
        let Some(own) = results.own(metric) else {
            continue;
        };
        let goal = text::goal(metric.unit, metric.goal);
        let verdict = match results.verdict(metric) {
            Verdict::Reached => "reached",
            Verdict::Missed => "**missed**",
            Verdict::Open => "",
        };
        let _ = write!(table, "| {} | {goal} | {verdict} |", metric.title);
        for (at, _) in &others {
            let other = results.value(metric, *at);
            let ratio = other.map_or_else(|| "–".to_owned(), |other| text::ratio(own / other));
            let _ = write!(table, " {ratio} |");
        }
        table.push('\n');
    }
    table
}

fn misses(results: &Results) -> String {
    let missed: Vec<_> = results
        .metrics()
        .filter(|metric| results.verdict(metric) == Verdict::Missed)
        .collect();
    if missed.is_empty() {
        return "\nEvery goal is reached.\n".to_owned();
    }
    let mut text = String::from("\n## Goals that were missed\n\n");
    for metric in missed {
        let (Some(own), Some(bound)) = (results.own(metric), results.bound(metric)) else {
            continue;
        };
        let (own, bound) = (
            text::value(metric.unit, own),
            text::value(metric.unit, bound),
        );
        let _ = writeln!(
            text,
            "- **{}**: {own}, where {bound} is the bound. {}",
            metric.title, metric.limit
        );
    }
    text
}

fn growth(results: &Results) -> String {
    if results.growths.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "\n## Growth\n\nBoth axes are logarithmic. What costs one more the same as the one before runs \
         level, and is flat. The power is that of the last two decades of each line: 0 is flat, 1 \
         linear, 2 quadratic.\n\n![How cost grows](performance-growth.svg)\n\n\
         | | | grows with the power | |\n|---|---|---:|---|\n",
    );
    for growth in &results.growths {
        for series in &growth.series {
            let (exponent, shape) = (series.exponent(), growth.shape_of(series).word());
            let _ = writeln!(
                text,
                "| {} | {} | {exponent:.2} | {shape} |",
                growth.title, series.name
            );
        }
    }
    for growth in &results.growths {
        for series in &growth.series {
            if growth.shape_of(series) == Shape::Steep {
                let _ = writeln!(
                    text,
                    "\n- **{}, {}**: {}",
                    growth.title, series.name, growth.note
                );
            }
        }
    }
    text
}
