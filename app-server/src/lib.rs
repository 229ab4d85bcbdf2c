//! The library behind `byokey app-server`.
//!
//! Imports run one way: `server` (`connection` → `dispatch` → `handlers`) → `threads` → `backend`,
//! `peers` → `config`, `process` → the crates `byokey-auth`, `byokey-http`, `byokey-rpc`,
//! `byokey-base` and `byokey-protocol`. See `docs/architecture.md`.

pub mod backend;
pub mod config;
pub mod peers;
pub mod process;
pub mod server;
pub mod threads;
