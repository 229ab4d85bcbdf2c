//! The library behind `byokey app-server`.
//!
//! Imports run one way: `transport` and `connection` → `dispatch` → `handlers` → `auth`,
//! `backend`, `threads`, `peers` → the protocol crate. See `docs/architecture.md`.

pub mod auth;
pub mod backend;
pub mod clock;
pub mod config;
pub mod connection;
pub mod dispatch;
pub mod error;
pub mod framing;
mod handlers;
pub mod hardening;
pub mod log;
mod params;
pub mod peers;
pub mod reply;
pub mod services;
pub mod threads;
pub mod transport;
