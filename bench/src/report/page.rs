//! The run as a page of Markdown: round trips first, then ratios, then the measurements.

use std::fmt::Write as _;

use super::{builds, far, text};
use crate::candidate::Kind;
use crate::growth::Shape;
use crate::results::{Results, Verdict};

const INTRODUCTION: &str = "\
# Performance

How fast and how small the server is, next to an echo process (`cat`, which is what the pipe costs
and nothing else) and to other app-servers. `./bench.sh --write-docs` writes this page; all figures
are from one run in which the programs took turns, round after round. Of times and rates the best
round counts, for all programs alike, because what else happens on a machine makes a program slower
and never faster; of p99 and p99.9, and of differences of two figures of one round, the median round;
of everything else the worst. `performance.json` has every round.
Round trips to a backend far away come first, then ratios: they carry over to other machines,
absolute times do not.
";

const METHOD: &str = "\
## How it is measured

The driver (`bench/`) uses raw pipes and blocking calls, so that it measures the program and not
itself. Each figure is taken in a fresh process, in a home of its own, against a backend and a
model on loopback. Round trips are one `account/read` at a time; pipelined requests are written
without waiting for any answer. The backend far away is in a network namespace of its own: two tap
devices, and a process that holds each frame back (`bench/far.py`). The time of a streamed delta is that from the model's write to the
host's read, less the same on a direct connection. A conversation of 1,000 turns has inputs of 520
bytes; how long one may be is in [limits](limits.md#conversations). Peers get fewer repetitions where they are slow.
The gateway's first byte is that of a turn on a connection of its own, taken in turns with
the same turn sent to the model directly. A dash means that a figure does not exist for a program, or that it could not be taken.

The environment is empty but for the home and `PATH`. With `LANG` set, as most users have it, `cat`
starts 0.2 ms later, because it reads its locale. A program that was just written starts faster than
one whose pages were read back from the disk one by one
([both](decisions/0021-what-happens-before-the-first-answer.md)). All figures but those with the far
backend are over plain HTTP on loopback: no TLS, no certificates, no connections opened ahead. The
first login for `https` adds about 1 MiB of resident memory for them, and an `account/read` right
behind it waits some 3 ms for the system's certificates, once.

What this page cannot show, tests do: `no_trace_memory` counts the copies of a token in memory,
`standby` that a connection which waits causes no wake-up ([how they are run](../tests/README.md)),
and `tests/resolver/run.py` resolves names
([why](decisions/0034-what-ships-on-linux-is-static.md)). A conversation may have 3 MiB of text.
When it is longer it is unloaded, which `thread/closed` reports, and the host starts a new one.

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
    page += &far::section(results);
    page += "\n## Ratios\n\nBelow 1× is less than the other; for rates, above 1× is faster.\n\n";
    page += &ratios(results);
    page += "\n![Each goal, and how far each program is from it](performance-goals.svg)\n";
    page += &misses(results);
    page += &builds::section(results);
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
    let name = |at: usize| results.candidates.get(at).map_or("", |it| it.name.as_str());
    let own: Vec<_> = results.own().collect();
    // Each build beside the echo process and the peers.
    let mut pairs = Vec::new();
    for (other, candidate) in results.candidates.iter().enumerate() {
        if candidate.kind != Kind::Own {
            pairs.extend(own.iter().map(|own| (*own, other)));
        }
    }
    let mut table = String::from("| figure | goal |");
    for at in &own {
        let _ = write!(table, " {} |", name(*at));
    }
    for (own, other) in &pairs {
        let _ = write!(table, " {} / {} |", name(*own), name(*other));
    }
    table += "\n|---|---|";
    table += &"---|".repeat(own.len());
    table += &"---:|".repeat(pairs.len());
    table.push('\n');
    for metric in results.metrics() {
        if own.iter().all(|at| results.value(metric, *at).is_none()) {
            continue;
        }
        let _ = write!(table, "| {} | {} |", metric.title, text::goals(metric));
        for at in &own {
            let _ = write!(table, " {} |", results.verdict(metric, *at).word());
        }
        for (own, other) in &pairs {
            let values = (results.value(metric, *own), results.value(metric, *other));
            let ratio = match values {
                (Some(own), Some(other)) => text::ratio(own / other),
                _ => "–".to_owned(),
            };
            let _ = write!(table, " {ratio} |");
        }
        table.push('\n');
    }
    table
}

fn misses(results: &Results) -> String {
    let mut missed = String::new();
    for metric in results.metrics() {
        let mut builds = Vec::new();
        for at in results.own() {
            let (Some(value), Some(bound)) = (results.value(metric, at), results.bound(metric, at))
            else {
                continue;
            };
            if results.verdict(metric, at) == Verdict::Missed {
                let name = results.candidates.get(at).map_or("", |it| it.name.as_str());
                let value = text::value(metric.unit, value);
                let bound = text::value(metric.unit, bound);
                builds.push(format!("{name} {value}, where {bound} is the bound"));
            }
        }
        if !builds.is_empty() {
            let (title, builds) = (metric.title, builds.join("; "));
            let _ = writeln!(missed, "- **{title}**: {builds}. {}", metric.limit);
        }
    }
    missed += &far::misses(results);
    if missed.is_empty() {
        return "\nEvery goal is reached.\n".to_owned();
    }
    format!("\n## Goals that were missed\n\n{missed}")
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
