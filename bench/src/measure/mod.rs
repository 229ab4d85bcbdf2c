//! The measurements, one family per file.

mod gateway;
mod login;
mod memory;
mod pipeline;
mod refresh;
mod round_trip;
mod start;
mod stream;

pub(crate) use memory::Listener;
pub(crate) use pipeline::{flood, number};
pub(crate) use round_trip::id_of;

use crate::Failure;
use crate::candidate::{Candidate, Kind};

/// Figures by metric id.
pub(crate) type Figures = Vec<(&'static str, f64)>;

/// The amount of measurements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// The divisor of full counts.
    pub(crate) divisor: usize,
    /// The same, for peers.
    pub(crate) peer_divisor: usize,
}

impl Scale {
    /// Returns the count for this candidate.
    pub(crate) fn of(self, full: usize, candidate: &Candidate) -> usize {
        let divisor = match candidate.kind {
            Kind::Peer => self.peer_divisor,
            Kind::Echo | Kind::Own | Kind::Build => self.divisor,
        };
        (full / divisor).max(1)
    }
}

/// A measurement of one candidate.
#[derive(Clone, Copy)]
pub(crate) struct Measure {
    /// Its name in the progress output.
    pub(crate) name: &'static str,
    /// Whether an echo process can be measured.
    pub(crate) with_echo: bool,
    /// Whether it is measured in every round. Constant figures are measured once.
    pub(crate) every_round: bool,
    /// Runs it.
    pub(crate) run: fn(&Candidate, Scale) -> Result<Figures, Failure>,
}

const EVERY_ROUND: Measure = Measure {
    name: "",
    with_echo: false,
    every_round: true,
    run: start::first_answer,
};

/// All measurements.
pub(crate) const MEASURES: &[Measure] = &[
    Measure {
        name: "start",
        with_echo: true,
        run: start::first_answer,
        ..EVERY_ROUND
    },
    Measure {
        name: "round trips",
        with_echo: true,
        run: round_trip::account_read,
        ..EVERY_ROUND
    },
    Measure {
        name: "pipelined requests",
        with_echo: true,
        run: pipeline::throughput,
        ..EVERY_ROUND
    },
    Measure {
        name: "logins",
        run: login::round_trips,
        ..EVERY_ROUND
    },
    Measure {
        name: "calls and refreshes",
        run: refresh::of_calls,
        ..EVERY_ROUND
    },
    Measure {
        name: "turns and refreshes",
        run: refresh::of_turns,
        ..EVERY_ROUND
    },
    Measure {
        name: "a storm of 401s",
        run: refresh::storm,
        ..EVERY_ROUND
    },
    Measure {
        name: "streamed deltas",
        with_echo: true,
        run: stream::deltas,
        ..EVERY_ROUND
    },
    Measure {
        name: "memory after the start",
        with_echo: true,
        every_round: false,
        run: memory::after_start,
    },
    Measure {
        name: "memory after logins",
        every_round: false,
        run: memory::after_logins,
        ..EVERY_ROUND
    },
    Measure {
        name: "memory after turns",
        every_round: false,
        run: memory::after_turns,
        ..EVERY_ROUND
    },
    Measure {
        name: "memory of a conversation",
        every_round: false,
        run: memory::after_conversation,
        ..EVERY_ROUND
    },
    Measure {
        name: "memory of connections",
        every_round: false,
        run: memory::of_connections,
        ..EVERY_ROUND
    },
    Measure {
        name: "the gateway's first byte",
        run: gateway::first_byte,
        ..EVERY_ROUND
    },
    Measure {
        name: "memory of the gateway",
        every_round: false,
        run: gateway::memory,
        ..EVERY_ROUND
    },
    Measure {
        name: "start of a program behind a gateway",
        run: gateway::start_of_a_program,
        ..EVERY_ROUND
    },
    Measure {
        name: "idleness",
        with_echo: true,
        every_round: false,
        run: memory::idle,
    },
];
