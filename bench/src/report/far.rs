//! The part of the page on a backend that is far away.

use std::fmt::Write as _;

use super::text;
use crate::far::{Far, GOAL_DELAY, Record, STEPS, Step};
use crate::metric::Unit;
use crate::results::{Results, Verdict};

const INTRODUCTION: &str = "
## Round trips to a backend far away

The backend is behind a link that delays every frame, those of handshakes too. A round trip is what
it takes to open a TCP connection. A call needs at least one, and three if it has to connect first:
TCP, TLS 1.3, and the call. All connections are TLS 1.3; the columns say which version of HTTP was
negotiated. The slim build opens no connection ahead of a call, so it connects for each.
The round trip is the least of nine connects. Every step is the median of five at 50 ms and of three
elsewhere, each login and first call with a fresh process; but `after 30 s of idleness` is the median
of three, `right behind another` the mean of five in a row, and `1,000 calls at once` one sample.
Peers have both versions of HTTP only at 50 ms.

The goals hold for the full program at 50 ms. At 10 ms what both ends, the relay and the link take
themselves, some milliseconds a call, weighs five times as much in round trips. The slim build has no
goals here: it omits connections opened ahead for its
[size](decisions/0020-size-before-speed-off-the-critical-path.md).

- `call right behind another`: the next connection is opened when a call is over, and [no call waits
  for one that is being opened](decisions/0037-a-fresh-connection-waits-for-the-next-call.md). So the
  first of the five opens its own (three round trips), the second finds the one that was opened
  meanwhile (one), and so on: 3, 1, 3, 1, 3, which is 2.2 each. A call right behind a login takes
  three for the same reason.
- `call with a 401 and a refresh`: one round trip for the refusal and three for the retry, which has a
  connection of its own. codex keeps connections, which carried the refused token, and takes less.
- `1,000 calls at once`: the bound is 51 round trips, three for each of 17 waves of 64 calls, and 1 ms
  of processor time for each of 1,064 TLS handshakes, which is 21 more at 50 ms. These milliseconds
  are more than a hundred round trips of 10 ms, so that it takes about twice as many there. Peers have
  dashes because the step is not taken with them: of the calls at once on loopback, below, none of
  codex succeeds.
";

/// Returns the section; nothing if it was not asked for.
pub(super) fn section(results: &Results) -> String {
    let records = match &results.far {
        Far::NotMeasured => return String::new(),
        Far::Unavailable(reason) => {
            return format!(
                "\n## Round trips to a backend far away\n\nNot measured in this run: {reason}.\n"
            );
        }
        Far::Measured(records) => records,
    };
    let mut delays: Vec<_> = records.iter().map(|record| record.delay).collect();
    // The one with the goals first.
    delays.sort_unstable_by_key(|delay| (*delay != GOAL_DELAY, *delay));
    delays.dedup();
    let mut section = INTRODUCTION.to_owned();
    for delay in delays {
        let at: Vec<_> = records
            .iter()
            .filter(|record| record.delay == delay)
            .cloned()
            .collect();
        let _ = write!(section, "\n### {delay} ms away\n\n{}", table(&at));
    }
    section
}

/// Returns a table of records at one delay, and what is missing in it.
pub(crate) fn table(records: &[Record]) -> String {
    let judged = records.iter().any(has_verdicts);
    let mut table = String::from("| step |");
    let mut rule = String::from("\n|---|");
    if judged {
        table += " goal | |";
        rule += "---|---|";
    }
    for record in records {
        let _ = write!(table, " {} |", record.heading());
        rule += "---:|";
    }
    table += &rule;
    table.push('\n');
    for step in STEPS {
        let _ = write!(table, "| {} |", step.title);
        if judged {
            let goal = step.goal.map(|goal| format!("≤ {goal}"));
            let verdict = verdict(records, step).word();
            let _ = write!(table, " {} | {verdict} |", goal.unwrap_or_default());
        }
        for record in records {
            let _ = write!(table, " {} |", cell(record, step));
        }
        table.push('\n');
    }
    for record in records {
        for failure in &record.failures {
            let _ = write!(table, "\n{} broke off: {failure}\n", record.heading());
        }
    }
    table
}

fn cell(record: &Record, step: &Step) -> String {
    match (record.value(step), record.values.get(step.id)) {
        (Some(trips), Some(seconds)) if !step.is_count => {
            format!("{trips:.2} ({})", text::value(Unit::Seconds, *seconds))
        }
        (Some(count), _) => text::value(Unit::Count, count),
        _ => "–".to_owned(),
    }
}

fn has_verdicts(record: &Record) -> bool {
    record.has_goals && record.delay == GOAL_DELAY
}

/// Returns whether each record with goals reaches that of a step.
fn verdict(records: &[Record], step: &Step) -> Verdict {
    let Some(goal) = step.goal else {
        return Verdict::Open;
    };
    let judged = records.iter().filter(|record| has_verdicts(record));
    let values: Option<Vec<_>> = judged.map(|record| record.value(step)).collect();
    match values {
        Some(values) if values.is_empty() => Verdict::Open,
        // A step that broke off has not reached its goal.
        values => Verdict::of(values.is_some_and(|it| it.iter().all(|value| *value <= goal))),
    }
}

/// Lists the missed goals, an item each.
pub(super) fn misses(results: &Results) -> String {
    let mut missed = String::new();
    let records = results.far.records();
    for step in STEPS {
        let Some(goal) = step
            .goal
            .filter(|_| verdict(records, step) == Verdict::Missed)
        else {
            continue;
        };
        let mut programs = Vec::new();
        for record in records.iter().filter(|record| has_verdicts(record)) {
            match record.value(step) {
                Some(value) if value <= goal => {}
                Some(value) => programs.push(format!("{} {value:.2}", record.heading())),
                None => programs.push(format!("{} has no value", record.heading())),
            }
        }
        let (title, programs) = (step.title, programs.join("; "));
        let _ = writeln!(
            missed,
            "- **{title}, {GOAL_DELAY} ms away**: {programs}, where {goal} is the bound. {}",
            step.limit
        );
    }
    missed
}

#[cfg(test)]
mod tests {
    use super::{misses, section, table};
    use crate::far::{Far, Record};
    use crate::results::Results;

    fn record(delay: u32, protocol: &str, further: f64) -> Record {
        Record {
            delay,
            trip: 0.05,
            program: 0,
            name: "byokey".to_owned(),
            protocol: protocol.to_owned(),
            values: [
                ("first", 0.055),
                ("further", further),
                ("turn", 0.055),
                ("storm", 2.0),
                ("storm-refreshes", 1.0),
            ]
            .map(|(id, value)| (id.to_owned(), value))
            .into(),
            failures: Vec::new(),
            has_goals: true,
        }
    }

    fn results(far: Far) -> Results {
        let mut results = Results::of(Vec::new(), Vec::new());
        results.far = far;
        results
    }

    #[test]
    fn a_goal_is_reached_only_with_every_protocol() {
        let row = |further: f64| {
            let table = table(&[record(50, "HTTP/2", 0.055), record(50, "HTTP/1.1", further)]);
            let row = table.lines().find(|row| row.starts_with("| further call"));
            row.unwrap().to_owned()
        };
        assert!(row(0.0574).contains("| ≤ 1.15 | reached |"));
        assert!(row(0.0576).contains("| ≤ 1.15 | **missed** | 1.10 (55.0 ms) | 1.15 (57.6 ms) |"));
    }

    #[test]
    fn a_step_without_a_value_has_not_reached_its_goal() {
        let mut broken = record(50, "HTTP/2", 0.055);
        broken.values.remove("storm");
        broken.failures.push("made up".to_owned());
        let page = table(std::slice::from_ref(&broken));
        assert!(page.contains("| ≤ 72 | **missed** | – |"), "{page}");
        assert!(page.contains("byokey, HTTP/2 broke off: made up"));
        let listed = misses(&results(Far::Measured(vec![broken])));
        assert!(listed.contains("byokey, HTTP/2 has no value"), "{listed}");
    }

    #[test]
    fn goals_hold_at_one_delay_which_comes_first() {
        let records = [10, 50, 150].map(|delay| record(delay, "HTTP/2", 0.1));
        let results = results(Far::Measured(records.into()));
        let page = section(&results);
        let titles: Vec<_> = page
            .lines()
            .filter(|line| line.starts_with("###"))
            .collect();
        assert_eq!(
            titles,
            ["### 50 ms away", "### 10 ms away", "### 150 ms away"]
        );
        assert_eq!(page.matches("missed").count(), 1, "{page}");
        assert_eq!(misses(&results).lines().count(), 1);
    }

    #[test]
    fn the_reason_for_its_absence_is_on_the_page() {
        let page = section(&results(Far::Unavailable("made up".to_owned())));
        assert!(page.contains("Not measured in this run: made up."));
        assert_eq!(section(&results(Far::NotMeasured)), "");
    }
}
