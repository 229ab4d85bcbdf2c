//! Black-box tests of the `byokey` program: what they share.
//!
//! [`Server`] is the spawned program, [`Host`] the host that talks to it, and [`home`] the
//! folder that it sees as home. Everything stays on this machine and ends within [`PATIENCE`].

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

pub mod binary;
pub mod command;
pub mod home;
pub mod host;
pub mod issuer;
pub mod ports;
pub mod process;
pub mod server;
pub mod transcript;

use std::time::Duration;

pub use binary::{byokey, cargo};
pub use home::Home;
pub use host::{Host, Refused};
pub use process::ProcessStatus;
pub use server::{Server, Setup};

/// How long a test waits for anything before it fails.
pub const PATIENCE: Duration = Duration::from_secs(20);
