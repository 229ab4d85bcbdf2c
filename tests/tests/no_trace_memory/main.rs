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

mod browser;
mod calls;
mod device;
mod input;
mod keyring;
mod lengths;
mod listeners;
mod locked;
mod managed;
mod personal;
mod refreshes;
mod refusals;
mod sign_in;
mod stores;
mod support;
mod turns;
