//! What is measured, in which unit, and what is wanted of it.

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A time, in seconds.
    Seconds,
    /// So many per second.
    PerSecond,
    /// Bytes.
    Bytes,
    /// Bytes per second.
    BytesPerSecond,
    /// A number.
    Count,
}

/// What is wanted of the server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Goal {
    /// Nothing: the figure explains others.
    Nothing,
    /// At most so many times what the echo process takes.
    TimesEcho(f64),
    /// At most this.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
}

/// One figure.
#[derive(Debug)]
pub(crate) struct Metric {
    /// Its name in the JSON.
    pub(crate) id: &'static str,
    /// Its name in the page.
    pub(crate) title: &'static str,
    /// How it is written.
    pub(crate) unit: Unit,
    /// What is wanted.
    pub(crate) goal: Goal,
    /// What limits it, told where the goal is missed.
    pub(crate) limit: &'static str,
}

const MIB: f64 = 1024.0 * 1024.0;
const NOISE: &str = "Another process on the machine had the processor at the wrong moment.";

/// Every figure, in the order of the page.
pub(crate) const METRICS: &[Metric] = &[
    Metric {
        id: "start",
        title: "spawn to first answer",
        unit: Unit::Seconds,
        goal: Goal::TimesEcho(1.5),
        limit: "The kernel maps a larger program, the loader relocates it, and the runtime opens \
                its descriptors: together more than the whole life of `cat`.",
    },
    Metric {
        id: "read-p50",
        title: "`account/read` round trip, p50",
        unit: Unit::Seconds,
        goal: Goal::TimesEcho(2.0),
        limit: "A read and a write are one system call each for `cat`. Here the first attempt to \
                read finds nothing, and waiting is a third call.",
    },
    Metric {
        id: "read-p99",
        title: "`account/read` round trip, p99",
        unit: Unit::Seconds,
        goal: Goal::TimesEcho(5.0),
        limit: NOISE,
    },
    Metric {
        id: "read-p999",
        title: "`account/read` round trip, p99.9",
        unit: Unit::Seconds,
        goal: Goal::Nothing,
        limit: "",
    },
    Metric {
        id: "pipelined",
        title: "pipelined requests answered",
        unit: Unit::PerSecond,
        goal: Goal::AtLeast(300_000.0),
        limit: NOISE,
    },
    Metric {
        id: "pipelined-bytes",
        title: "bytes in and out, pipelined",
        unit: Unit::BytesPerSecond,
        goal: Goal::Nothing,
        limit: "",
    },
    Metric {
        id: "pipelined-lost",
        title: "pipelined requests never answered",
        unit: Unit::Count,
        goal: Goal::AtMost(0.0),
        limit: "",
    },
    Metric {
        id: "login",
        title: "external login to its answer, p50",
        unit: Unit::Seconds,
        goal: Goal::Nothing,
        limit: "",
    },
    Metric {
        id: "call",
        title: "`account/rateLimits/read`, p50",
        unit: Unit::Seconds,
        goal: Goal::Nothing,
        limit: "",
    },
    Metric {
        id: "call-refresh",
        title: "401, refresh and retry, beyond that call, p50",
        unit: Unit::Seconds,
        goal: Goal::AtMost(1e-3),
        limit: "The retry is a call of its own on a connection of its own: no connection outlives \
                its call, so that no buffer keeps a token.",
    },
    Metric {
        id: "turn",
        title: "turn of one delta, p50",
        unit: Unit::Seconds,
        goal: Goal::Nothing,
        limit: "",
    },
    Metric {
        id: "turn-refresh",
        title: "401, refresh and retry, beyond that turn, p50",
        unit: Unit::Seconds,
        goal: Goal::AtMost(1e-3),
        limit: "See the line on `account/rateLimits/read`.",
    },
    Metric {
        id: "storm",
        title: "1,000 calls that meet 401 at once",
        unit: Unit::Seconds,
        goal: Goal::Nothing,
        limit: "",
    },
    Metric {
        id: "storm-refreshes",
        title: "refreshes that the host was asked for by them",
        unit: Unit::Count,
        goal: Goal::AtMost(1.0),
        limit: "",
    },
    Metric {
        id: "storm-succeeded",
        title: "of them answered with a result",
        unit: Unit::Count,
        goal: Goal::AtLeast(1000.0),
        limit: "",
    },
    Metric {
        id: "delta-p50",
        title: "streamed delta, beyond reading the stream directly, p50",
        unit: Unit::Seconds,
        goal: Goal::Nothing,
        limit: "",
    },
    Metric {
        id: "delta-p99",
        title: "streamed delta, beyond reading the stream directly, p99",
        unit: Unit::Seconds,
        goal: Goal::AtMost(50e-6),
        limit: "Two processes are woken in a row in place of one. On two processors that three \
                programs share, the second often waits for a turn.",
    },
    Metric {
        id: "memory",
        title: "resident memory after `initialize`",
        unit: Unit::Bytes,
        goal: Goal::AtMost(6.0 * MIB),
        limit: "Most of it is pages of the program and of the C library, which are shared.",
    },
    Metric {
        id: "memory-logins",
        title: "growth from 100 to 1,000 logins",
        unit: Unit::Bytes,
        goal: Goal::AtMost(0.0),
        limit: "Pages are counted, not allocations: a page touched for the first time counts.",
    },
    Metric {
        id: "memory-turns",
        title: "resident memory after 1,000 turns",
        unit: Unit::Bytes,
        goal: Goal::Nothing,
        limit: "",
    },
    Metric {
        id: "memory-connection",
        title: "memory of an idle connection (of 32)",
        unit: Unit::Bytes,
        goal: Goal::AtMost(64.0 * 1024.0),
        limit: "Each connection has a buffer to read into that is wiped as a whole.",
    },
    Metric {
        id: "threads",
        title: "threads after `initialize`",
        unit: Unit::Count,
        goal: Goal::Nothing,
        limit: "",
    },
    Metric {
        id: "threads-turns",
        title: "threads after 1,000 turns",
        unit: Unit::Count,
        goal: Goal::Nothing,
        limit: "",
    },
    Metric {
        id: "idle-cpu",
        title: "processor time, idle for 10 s",
        unit: Unit::Seconds,
        goal: Goal::AtMost(0.0),
        limit: "",
    },
    Metric {
        id: "idle-wakeups",
        title: "wake-ups, idle for 10 s",
        unit: Unit::Count,
        goal: Goal::AtMost(0.0),
        limit: "",
    },
    Metric {
        id: "size",
        title: "size of the program",
        unit: Unit::Bytes,
        goal: Goal::AtMost(5.0 * MIB),
        limit: "TLS, HTTP/2 and the parsers of the command line and of the configuration are in \
                it; it needs nothing installed beside it.",
    },
];
