//! The steps, and what they took for one program and protocol.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The delay at which the goals hold, in milliseconds.
pub(crate) const GOAL_DELAY: u32 = 50;

/// Something that a host does and waits for.
#[derive(Debug)]
pub(crate) struct Step {
    /// Its name in the JSON.
    pub(crate) id: &'static str,
    /// Its name in the page.
    pub(crate) title: &'static str,
    /// The most round trips, at [`GOAL_DELAY`].
    pub(crate) goal: Option<f64>,
    /// The limiting factor, printed if the goal is missed.
    pub(crate) limit: &'static str,
    /// Whether its value is a number, not a time.
    pub(crate) is_count: bool,
}

const fn step(id: &'static str, title: &'static str) -> Step {
    Step {
        id,
        title,
        goal: None,
        limit: "",
        is_count: false,
    }
}

impl Step {
    const fn wanted(mut self, goal: f64, limit: &'static str) -> Self {
        self.goal = Some(goal);
        self.limit = limit;
        self
    }

    const fn count(mut self) -> Self {
        self.is_count = true;
        self
    }
}

const BEYOND_ONE: &str = "One round trip is the call itself, on a connection that was opened \
                          ahead. The rest is processor time at both ends, and that of the process \
                          that delays the frames.";

/// All steps, in the order of the table.
pub(crate) const STEPS: &[Step] = &[
    step("login", "login"),
    step("first", "first call, 1 s after the login").wanted(1.15, BEYOND_ONE),
    step("further", "further call, 1 s after the last").wanted(1.15, BEYOND_ONE),
    step("turn", "turn, 1 s after the last").wanted(1.2, BEYOND_ONE),
    step("idle", "call after 30 s of idleness"),
    step("behind", "call right behind another"),
    step("at-once", "login, and a call right behind it"),
    step("refresh", "call with a 401 and a refresh"),
    step("storm", "1,000 calls at once, with a 401").wanted(
        72.0,
        "The bound is 51 round trips, three for each of 17 waves of 64 calls, and 1 ms for each of \
         1,064 TLS handshakes ([limits](limits.md#what-a-backend-may-send)). Both ends and the link \
         share this machine, and the backend has one thread: a handshake takes longer where the \
         processors are busy.",
    ),
    step(
        "storm-refreshes",
        "refreshes that the host was asked for by them",
    )
    .wanted(1.0, "There is no reason for it but a fault of the program.")
    .count(),
];

/// What one program took, with one protocol, at one delay.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    /// The delay of the link for a round trip, in milliseconds.
    pub(crate) delay: u32,
    /// The time to open a TCP connection, which is one round trip, in seconds.
    pub(crate) trip: f64,
    /// The index of the program on the command line.
    pub(crate) program: usize,
    /// The name of the program.
    pub(crate) name: String,
    /// The HTTP version that was negotiated; empty if it is not known.
    pub(crate) protocol: String,
    /// Seconds, or a number, by the id of the step.
    pub(crate) values: BTreeMap<String, f64>,
    /// Why steps are missing.
    pub(crate) failures: Vec<String>,
    /// Whether the goals are those of this program. Not part of the JSON.
    pub(crate) has_goals: bool,
}

impl Record {
    /// Returns the round trips that a step took, or the number that it counts.
    pub(crate) fn value(&self, step: &Step) -> Option<f64> {
        let value = *self.values.get(step.id)?;
        Some(if step.is_count {
            value
        } else {
            value / self.trip
        })
    }

    /// Returns the heading of its column.
    pub(crate) fn heading(&self) -> String {
        if self.protocol.is_empty() {
            return self.name.clone();
        }
        format!("{}, {}", self.name, self.protocol)
    }

    /// Returns it as JSON.
    pub(crate) fn json(&self) -> Value {
        json!({
            "delayMs": self.delay, "roundTripSeconds": self.trip, "program": self.program,
            "name": self.name, "protocol": self.protocol, "values": self.values,
            "failures": self.failures,
        })
    }

    /// Reads what [`Record::json`] wrote; `None` if it did not.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let values = value["values"].as_object()?.iter();
        let failures = value["failures"].as_array()?.iter();
        Some(Self {
            delay: value["delayMs"].as_u64()?.try_into().ok()?,
            trip: value["roundTripSeconds"].as_f64()?,
            program: value["program"].as_u64()?.try_into().ok()?,
            name: text("name")?,
            protocol: text("protocol")?,
            values: values
                .map(|(id, value)| Some((id.clone(), value.as_f64()?)))
                .collect::<Option<_>>()?,
            failures: failures
                .map(|failure| failure.as_str().map(str::to_owned))
                .collect::<Option<_>>()?,
            has_goals: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Record, STEPS};

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let record = Record {
            delay: 50,
            trip: 0.05,
            program: 1,
            name: "byokey".to_owned(),
            protocol: "HTTP/2".to_owned(),
            values: [("first", 0.06), ("storm-refreshes", 1.0)]
                .map(|(id, value)| (id.to_owned(), value))
                .into(),
            failures: vec!["made up".to_owned()],
            has_goals: false,
        };
        assert_eq!(Record::read(&record.json()), Some(record.clone()));
        let value = |id: &str| record.value(STEPS.iter().find(|step| step.id == id).unwrap());
        // Times are in round trips, numbers are not.
        assert!((value("first").unwrap() - 1.2).abs() < 1e-9);
        assert_eq!(value("storm-refreshes"), Some(1.0));
        assert_eq!(value("turn"), None);
    }
}
