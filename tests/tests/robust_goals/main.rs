//! Promises about load, measured: memory, bursts, garbage, exits, idleness.
//!
//! Counts and bounds are asserted; times are printed, and asserted only where they are promised.
//! `docs/robustness.md` shows the figures. The shipped program is measured: `BYOKEY_RELEASE_BIN`
//! names it, or it is built.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]
#![expect(
    clippy::print_stdout,
    reason = "figures and skipped checks are for people to read"
)]

mod bursts;
mod end_of_input;
mod exits;
mod garbage;
mod memory;
mod mutation;
mod quiet;

use byokey_tests::{Setup, byokey_optimised};

/// The program as shipped: optimised, and with warnings only in its log.
fn quiet_setup() -> Setup {
    Setup::default()
        .program(byokey_optimised())
        .environment("RUST_LOG", "warn")
}
