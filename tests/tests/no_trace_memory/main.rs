//! Not one copy of a secret is left in memory once it is gone.
//!
//! The program is built like a release and its memory read from outside; see
//! `byokey_tests::memory`. Linux only: elsewhere there is no such file to read.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod calls;
mod input;
mod lengths;
mod refreshes;
mod refusals;
mod support;
mod turns;
