//! Where the server falls behind another build of itself.

use std::fmt::Write as _;

use super::text;
use crate::candidate::Kind;
use crate::metric::{Goal, Metric, Unit};
use crate::results::Results;

/// The ratio from which a figure counts as worse. Two runs of one program differ by less.
const WORSE: f64 = 1.05;

const INTRODUCTION: &str = "\
The other build has the same features and optimisations, and is linked to the C library of this
machine. It is not what ships: it does not run on an older system, and it starts through a dynamic
linker. These are the figures in which the program that ships is more than 5 % worse; in all others
it is not.
";

const CAUSES: &str = "
What differs is the C library (musl's allocator for long blocks, its copying and its comparing), and
which code of ours stands on it: [the static program](decisions/0034-what-ships-on-linux-is-static.md),
[its allocator](decisions/0045-short-blocks-lie-side-by-side.md), and
[what was tried for a round trip](decisions/0053-a-round-trip-beside-cat.md).
";

/// Returns the section, if another build was measured.
pub(super) fn section(results: &Results) -> String {
    let mut section = String::new();
    let Some(own) = results.own().next() else {
        return section;
    };
    for (other, candidate) in results.candidates.iter().enumerate() {
        if candidate.kind != Kind::Build {
            continue;
        }
        let _ = write!(section, "\n## Beside the build `{}`\n\n", candidate.name);
        section += INTRODUCTION;
        let mut is_worse = false;
        section.push('\n');
        for metric in results.metrics() {
            let values = (results.value(metric, own), results.value(metric, other));
            let (Some(own), Some(other)) = values else {
                continue;
            };
            if factor(metric, own, other) > WORSE {
                let [own, other] = [own, other].map(|value| text::value(metric.unit, value));
                let _ = writeln!(section, "- {}: {own}, that build {other}", metric.title);
                is_worse = true;
            }
        }
        section += if is_worse { CAUSES } else { "There is none.\n" };
    }
    section
}

/// Returns how many times worse the first value is. What both do not have is equal.
fn factor(metric: &Metric, own: f64, other: f64) -> f64 {
    let is_more_better = matches!(metric.unit, Unit::PerSecond | Unit::BytesPerSecond)
        || matches!(metric.goal, Goal::AtLeast(_) | Goal::AtLeastTimesEcho(_));
    let (worse, better) = if is_more_better {
        (other, own)
    } else {
        (own, other)
    };
    if worse <= 0.0 { 1.0 } else { worse / better }
}

#[cfg(test)]
mod tests {
    use super::section;
    use crate::candidate::Candidate;
    use crate::results::Results;

    fn results(has_other: bool) -> Results {
        let program = std::env::current_exe().unwrap();
        let mut candidates = vec![Candidate::own("byokey", &program).unwrap()];
        if has_other {
            candidates.push(Candidate::build("other", &program).unwrap());
        }
        let mut results = Results::of(candidates, Vec::new());
        for (metric, own, other) in [
            ("login", 110e-6, 100e-6),
            ("call", 104e-6, 100e-6),
            ("pipelined", 90.0, 100.0),
            ("pipelined-bytes", 110.0, 100.0),
            ("pipelined-lost", 0.0, 0.0),
            ("idle-wakeups", 1.0, 0.0),
        ] {
            results.add(metric, 0, own);
            results.add(metric, 1, other);
        }
        results
    }

    #[test]
    fn it_says_where_another_build_is_better() {
        let section = section(&results(true));
        let lines: Vec<_> = section.lines().filter(|it| it.starts_with("- ")).collect();
        assert_eq!(
            lines,
            [
                "- pipelined requests answered: 90/s, that build 100/s",
                "- external login to its answer, p50: 110 µs, that build 100 µs",
                "- wake-ups, idle for 10 s: 1, that build 0",
            ]
        );
    }

    #[test]
    fn without_another_build_there_is_no_section() {
        assert_eq!(section(&results(false)), "");
    }
}
