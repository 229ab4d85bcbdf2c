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
pub mod fields;
pub mod home;
pub mod host;
mod huffman;
pub mod issuer;
pub mod keyring;
pub mod later;
pub mod listening;
pub mod made_up;
pub mod memory;
pub mod messages;
pub mod overheard;
mod pieces;
pub mod ports;
pub mod process;
pub mod search;
pub mod server;
pub mod shared_store;
pub mod subject;
pub mod tls;
pub mod tools;
pub mod transcript;
pub mod turns;
pub mod way;
pub mod wire;

use std::time::Duration;

pub use binary::{byokey, byokey_optimised, cargo};
pub use canary::Canaries;
pub use home::Home;
pub use host::{Host, Refused};
pub use later::Clocks;
pub use listening::Listening;
pub use made_up::MadeUp;
pub use memory::{Memory, Traces};
pub use overheard::Overheard;
pub use process::ProcessStatus;
pub use search::Search;
pub use server::{Server, Setup};
pub use subject::Subject;
pub use way::Way;
pub use wire::Framing;

/// Timeout of each step of a test.
pub const PATIENCE: Duration = Duration::from_secs(20);
