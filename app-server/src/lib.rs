//! The library behind `byokey app-server`.
//!
//! Imports run one way: `server` (`connection` → `dispatch` → `handlers`) → `threads`, `gateway` →
//! `backend`, `peers` → `config`, `process` → the crates `byokey-auth`, `byokey-http`, `byokey-rpc`,
//! `byokey-base` and `byokey-protocol`. See `docs/architecture.md`.

pub mod backend;
pub mod config;
#[cfg(feature = "gateway")]
pub mod gateway;
pub mod peers;
pub mod process;
pub mod server;
pub mod threads;
