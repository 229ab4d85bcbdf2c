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
        beyond: None,
        limit: "",
    }
}

impl Metric {
    const fn wanted(mut self, goal: Goal, limit: &'static str) -> Self {
        self.goal = goal;
        self.limit = limit;
        self
    }

    const fn beyond(mut self, other: &'static str) -> Self {
        self.beyond = Some(other);
        self
    }
}

const NOISE: &str = "Another process on the machine had the processor at the wrong moment.";

/// All figures, in the order of the page.
pub(crate) const METRICS: &[Metric] = &[
    figure("start", "spawn to first answer", Unit::Seconds).wanted(
        Goal::TimesEcho(1.5),
        "Most of it is the kernel mapping pages one by one; the next line has how many. [What was done and what was not](decisions/0021-what-happens-before-the-first-answer.md).",
    ),
    figure("start-faults", "page faults of that", Unit::Count),
    figure("read-p50", "`account/read` round trip, p50", Unit::Seconds).wanted(
        Goal::TimesEcho(2.0),
        "A read and a write are one system call each for `cat`. Here the first attempt to read \
         finds nothing, and waiting is a third call.",
    ),
    figure("read-p99", "`account/read` round trip, p99", Unit::Seconds)
        .wanted(Goal::TimesEcho(5.0), NOISE),
    figure(
        "read-p999",
        "`account/read` round trip, p99.9",
        Unit::Seconds,
    ),
    figure("pipelined", "pipelined requests answered", Unit::PerSecond)
        .wanted(Goal::AtLeast(300_000.0), NOISE),
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
    .wanted(Goal::AtMost(0.0), ""),
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
        "The retry is a call of its own on a connection of its own: no connection outlives its \
         call, so that no buffer keeps a token.",
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
    .wanted(Goal::AtMost(1.0), ""),
    figure(
        "storm-succeeded",
        "of them answered with a result",
        Unit::Count,
    )
    .wanted(Goal::AtLeast(1000.0), ""),
    figure(
        "direct-p50",
        "streamed delta, read directly, p50",
        Unit::Seconds,
    ),
    figure(
        "direct-p99",
        "streamed delta, read directly, p99",
        Unit::Seconds,
    ),
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
    .wanted(
        Goal::AtMost(50e-6),
        "Every piece passes one process more, and `cat` in that place takes what its column says: \
         a process that slept is woken, on caches that others have filled. What the server adds to \
         that is the HTTP client, the event stream, JSON in and JSON out. [What was done and what \
         was not](decisions/0027-what-a-streamed-delta-costs.md).",
    ),
    figure("memory", "resident memory after `initialize`", Unit::Bytes).wanted(
        Goal::AtMost(6.0 * MIB),
        "Most of it is pages of the program and of the C library, which are shared.",
    ),
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
        "Pages are counted, not allocations: a page touched for the first time counts.",
    ),
    figure(
        "memory-turns",
        "resident memory after 1,000 turns",
        Unit::Bytes,
    ),
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
    figure("threads", "threads after `initialize`", Unit::Count),
    figure("threads-logins", "threads after 1,000 logins", Unit::Count),
    figure("threads-turns", "threads after 1,000 turns", Unit::Count),
    figure(
        "threads-connections",
        "threads with 32 connections",
        Unit::Count,
    ),
    figure("idle-cpu", "processor time, idle for 10 s", Unit::Seconds)
        .wanted(Goal::AtMost(0.0), ""),
    figure("idle-wakeups", "wake-ups, idle for 10 s", Unit::Count).wanted(Goal::AtMost(0.0), ""),
    figure("size", "size of the program", Unit::Bytes).wanted(
        Goal::AtMost(5.0 * MIB),
        "A fifth of it is the client of the keyring's message bus, a twentieth HTTP/2. Built \
         without what can be left out (`--no-default-features`, the column \"slim\") the goal is \
         reached. [What was done and what was not](decisions/0020-small-before-fast-where-nobody-waits.md).",
    ),
];
