//! No copy of a secret is left in memory after its use.
//!
//! The program is built like a release and its memory is read from outside; see
//! `byokey_tests::memory`. Linux only: other systems have no such file to read.

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
mod reasoning;
mod refreshes;
mod refusals;
mod sign_in;
mod stores;
mod support;
mod turns;
