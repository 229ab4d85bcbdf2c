//! The common parts of the black-box tests of the `byokey` program.
//!
//! [`Server`] is the spawned program, [`Host`] the host that talks to it, and [`home`] the folder
//! that it sees as home. Everything stays on this machine and ends within [`PATIENCE`].

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]
#![expect(clippy::print_stdout, reason = "figures are part of what a test tells")]

pub mod binary;
pub mod canary;
pub mod codex;
pub mod command;
pub mod conformance;
pub mod fake_clock;
pub mod fake_secrets;
pub mod fields;
mod fragments;
pub mod gateway;
pub mod home;
pub mod host;
mod huffman;
pub mod issuer;
pub mod keyring;
pub mod listening;
pub mod memory;
pub mod messages;
pub mod overheard;
pub mod ports;
pub mod process;
pub mod search;
pub mod server;
pub mod shared_store;
pub mod sources;
pub mod system_under_test;
pub mod tls;
pub mod tools;
pub mod transcript;
pub mod transport;
pub mod turns;
pub mod wire;

use std::time::Duration;

pub use binary::{byokey, byokey_measured, byokey_optimised, cargo};
pub use canary::Canaries;
pub use fake_clock::Clocks;
pub use fake_secrets::MadeUp;
pub use home::Home;
pub use host::{Host, Refused};
pub use listening::Listening;
pub use memory::{Memory, Traces};
pub use overheard::Overheard;
pub use process::ProcessStatus;
pub use search::Search;
pub use server::{Server, Setup};
pub use system_under_test::Subject;
pub use transport::Way;
pub use wire::Framing;

/// Timeout of each step of a test.
pub const PATIENCE: Duration = Duration::from_secs(20);
