//! All figures, with their goals and limiting factors.

use crate::metric::{Goal, Metric, Unit};

const KIB: f64 = 1024.0;
const MIB: f64 = 1024.0 * KIB;

/// Returns a figure without a goal.
const fn figure(id: &'static str, title: &'static str, unit: Unit) -> Metric {
    Metric {
        id,
        title,
        unit,
        goal: Goal::Nothing,
        slim_goal: None,
        beyond: None,
        is_tail: false,
        limit: "",
    }
}

impl Metric {
    const fn wanted(mut self, goal: Goal, limit: &'static str) -> Self {
        self.goal = goal;
        self.limit = limit;
        self
    }

    /// Sets the goal of the build without optional features.
    const fn slim(mut self, goal: Goal) -> Self {
        self.slim_goal = Some(goal);
        self
    }

    const fn tail(mut self) -> Self {
        self.is_tail = true;
        self
    }

    const fn beyond(mut self, other: &'static str) -> Self {
        self.beyond = Some(other);
        self
    }
}

/// What a round trip costs, of any of them.
const ROUND_TRIP: &str = "`cat` waits in its read: two system calls for a message. Here waiting is a call of its own \
     (epoll), so there are three, and JSON is parsed and written between them, with code that is \
     small before it is fast. [What was tried](decisions/0053-a-round-trip-beside-cat.md).";

/// Of what must not happen at all.
const FAULT: &str = "There is no reason for it but a fault of the program.";

/// All figures, in the order of the page.
pub(crate) const METRICS: &[Metric] = &[
    figure("start", "spawn to first answer", Unit::Seconds).wanted(
        Goal::TimesEcho(1.0),
        "The program is static, so nothing is linked at its start. What is left is the kernel \
         mapping pages at their first touch, which the next line counts: 47 of the full program and \
         27 of the small one are copied by relocation. [The system calls, counted, and what was done \
         and what was not](decisions/0021-what-happens-before-the-first-answer.md).",
    )
    .slim(Goal::TimesEcho(0.9)),
    figure("start-faults", "page faults of that", Unit::Count),
    figure("read-p50", "`account/read` round trip, p50", Unit::Seconds).wanted(
        Goal::TimesEcho(1.1),
        ROUND_TRIP,
    ),
    figure("read-p99", "`account/read` round trip, p99", Unit::Seconds)
        .tail()
        .wanted(Goal::TimesEcho(1.5), ROUND_TRIP),
    figure(
        "read-p999",
        "`account/read` round trip, p99.9",
        Unit::Seconds,
    )
    .tail(),
    figure("pipelined", "pipelined requests answered", Unit::PerSecond)
        .wanted(
            Goal::AtLeastTimesEcho(0.3),
            "`cat` copies bytes. Here each request is parsed, checked, answered and written as JSON. \
             [What was tried](decisions/0053-a-round-trip-beside-cat.md).",
        ),
    figure(
        "pipelined-bytes",
        "bytes in and out, pipelined",
        Unit::BytesPerSecond,
    ),
    figure(
        "pipelined-lost",
        "pipelined requests never answered",
        Unit::Count,
    )
    .wanted(Goal::AtMost(0.0), FAULT),
    figure("login", "external login to its answer, p50", Unit::Seconds),
    figure("call", "`account/rateLimits/read`, p50", Unit::Seconds),
    figure(
        "call-refresh",
        "401, refresh and retry, beyond that call, p50",
        Unit::Seconds,
    )
    .beyond("call")
    .wanted(
        Goal::AtMost(1e-3),
        "The retry is a call of its own on a connection of its own: a connection that carried a \
         token ends with its call. Connections are opened ahead only for `https`, and this backend \
         is on loopback without TLS.",
    ),
    figure("turn", "turn of one delta, p50", Unit::Seconds),
    figure(
        "turn-refresh",
        "401, refresh and retry, beyond that turn, p50",
        Unit::Seconds,
    )
    .beyond("turn")
    .wanted(
        Goal::AtMost(1e-3),
        "See the line on `account/rateLimits/read`.",
    ),
    figure("storm", "1,000 calls that meet 401 at once", Unit::Seconds),
    figure(
        "storm-refreshes",
        "refreshes that the host was asked for by them",
        Unit::Count,
    )
    .wanted(Goal::AtMost(1.0), FAULT),
    figure(
        "storm-succeeded",
        "of them answered with a result",
        Unit::Count,
    )
    .wanted(Goal::AtLeast(1000.0), FAULT),
    figure(
        "direct-p50",
        "streamed delta, read directly, p50",
        Unit::Seconds,
    ),
    figure(
        "direct-p99",
        "streamed delta, read directly, p99",
        Unit::Seconds,
    )
    .tail(),
    figure(
        "delta-p50",
        "streamed delta, beyond that p50",
        Unit::Seconds,
    )
    .beyond("direct-p50"),
    figure(
        "delta-p99",
        "streamed delta, beyond that p99",
        Unit::Seconds,
    )
    .beyond("direct-p99")
    .tail()
    .wanted(
        Goal::AtMost(50e-6),
        "Every piece passes one process more, and `cat` in that place takes what its column says: \
         a process that slept is woken, on caches that others have filled. What the server adds to \
         that is the HTTP client, the event stream, JSON in and JSON out. [What was done and what \
         was not](decisions/0027-what-a-streamed-delta-costs.md).",
    ),
    figure("memory", "resident memory after `initialize`", Unit::Bytes).wanted(
        Goal::AtMost(4.5 * MIB),
        "The next line is what the process has for itself. The rest is code, which all its \
         processes share, and of which the system maps up to 64 KiB around each page that is \
         touched. [What was done](decisions/0034-what-ships-on-linux-is-static.md).",
    ),
    figure("memory-anonymous", "of it anonymous", Unit::Bytes),
    figure(
        "memory-logins",
        "resident memory after 1,000 logins",
        Unit::Bytes,
    ),
    figure(
        "memory-growth",
        "growth from 100 to 1,000 logins",
        Unit::Bytes,
    )
    .wanted(
        Goal::AtMost(0.0),
        "Pages are counted, not allocations: a page touched for the first time counts. Blocks of \
         the allocator lie where there is room, so a login may touch a page that none before it \
         did ([the allocator](decisions/0045-short-blocks-lie-side-by-side.md)).",
    ),
    figure(
        "memory-turns",
        "resident memory after 1,000 turns, each in a thread of its own",
        Unit::Bytes,
    ),
    figure(
        "memory-conversation",
        "growth from `initialize` to 1,000 turns in one thread, less their text",
        Unit::Bytes,
    )
    .wanted(
        Goal::AtMost(MIB),
        "The next line is what of it the process has for itself: the items of the thread, the \
         HTTP client, and room that the last request took. The rest is code that the first turn \
         touches, shared with other processes. [What is known of it](decisions/0045-short-blocks-lie-side-by-side.md#a-conversation).",
    ),
    figure("memory-conversation-anonymous", "of it anonymous", Unit::Bytes),
    figure(
        "memory-connections",
        "resident memory with 32 connections",
        Unit::Bytes,
    ),
    figure(
        "memory-connection",
        "memory of an idle connection (of 32)",
        Unit::Bytes,
    )
    .wanted(
        Goal::AtMost(64.0 * KIB),
        "Each connection has a buffer to read into that is wiped as a whole.",
    ),
    figure(
        "gateway-direct-p50",
        "first byte of an answer, directly, p50",
        Unit::Seconds,
    ),
    figure(
        "gateway-direct-p99",
        "first byte of an answer, directly, p99",
        Unit::Seconds,
    )
    .tail(),
    figure(
        "gateway-p50",
        "first byte through the gateway, beyond that p50",
        Unit::Seconds,
    )
    .beyond("gateway-direct-p50")
    .wanted(
        Goal::AtMost(0.3e-3),
        "Two connections in place of one: the gateway opens one to the model for each request, \
         because a connection that carried a token ends with its call.",
    ),
    figure(
        "gateway-p99",
        "first byte through the gateway, beyond that p99",
        Unit::Seconds,
    )
    .tail()
    .beyond("gateway-direct-p99")
    .wanted(
        Goal::AtMost(2e-3),
        "As for p50; the tail is that of opening a connection.",
    ),
    figure(
        "gateway-memory",
        "resident memory of the gateway after 1,000 turns of 1 MiB",
        Unit::Bytes,
    ),
    figure(
        "gateway-memory-growth",
        "growth over these turns",
        Unit::Bytes,
    )
    .wanted(
        Goal::AtMost(MIB),
        "Pages are counted, not allocations: a body of 1 MiB is read into blocks of the system, and \
         returned to it, while the next one is read.",
    ),
    figure("run-plain", "start and end of `true`", Unit::Seconds),
    figure(
        "run-start",
        "`byokey run -- true`, beyond that",
        Unit::Seconds,
    )
    .beyond("run-plain")
    .wanted(
        Goal::AtMost(10e-3),
        "Three programs start, one after the other: `byokey run`, what puts the gateway outside of \
         its group, and the gateway, which reads the login before it serves.",
    ),
    figure("threads", "threads after `initialize`", Unit::Count),
    figure("threads-logins", "threads after 1,000 logins", Unit::Count),
    figure("threads-turns", "threads after 1,000 turns", Unit::Count),
    figure(
        "threads-connections",
        "threads with 32 connections",
        Unit::Count,
    ),
    figure("idle-cpu", "processor time, idle for 10 s", Unit::Seconds)
        .wanted(Goal::AtMost(0.0), FAULT),
    figure("idle-wakeups", "wake-ups, idle for 10 s", Unit::Count)
        .wanted(Goal::AtMost(0.0), FAULT),
    figure("size", "size of the program", Unit::Bytes).wanted(
        Goal::Nothing,
        "[What was done and what was not](decisions/0020-size-before-speed-off-the-critical-path.md).",
    )
    .slim(Goal::AtMost(5.0 * MIB)),
];

#[cfg(test)]
mod tests {
    use super::{Goal, METRICS};
    use crate::far::STEPS;

    #[test]
    fn pages_that_explain_a_missed_goal_exist() {
        let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        for metric in METRICS {
            let has_goal = metric.goal != Goal::Nothing || metric.slim_goal.is_some();
            assert!(!has_goal || !metric.limit.is_empty(), "{}", metric.id);
        }
        let limits = METRICS.iter().map(|metric| metric.limit);
        for limit in limits.chain(STEPS.iter().map(|step| step.limit)) {
            for link in limit.split("](").skip(1) {
                let page = link.split([')', '#']).next().unwrap();
                assert!(docs.join(page).is_file(), "{page}");
            }
        }
    }
}
