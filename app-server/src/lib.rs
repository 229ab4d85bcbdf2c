//! The library behind `byokey app-server`.
//!
//! Imports run one way: `connection` → `dispatch` → `handlers` → `backend`, `threads`,
//! `peers` → the crates `byokey-auth`, `byokey-rpc`, `byokey-base` and `byokey-protocol`. See
//! `docs/architecture.md`.

pub mod backend;
pub mod config;
pub mod connection;
pub mod dispatch;
pub mod error;
mod handlers;
pub mod hardening;
pub mod log;
pub mod parent;
pub mod peers;
pub mod reply;
pub mod services;
pub mod start;
pub mod threads;
pub mod trace_protocol;
