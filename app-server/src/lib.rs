//! The library behind `byokey app-server`.
//!
//! Imports run one way: `transport` and `connection` → `dispatch` → `handlers` → `auth`,
//! `backend`, `threads`, `peers` → the protocol crate. `issuer` and `stores` carry out what `auth`
//! asks for. See `docs/architecture.md`.

pub mod auth;
pub mod backend;
pub mod background;
pub mod config;
pub mod connection;
pub mod dispatch;
pub mod error;
pub mod framing;
mod handlers;
pub mod hardening;
pub(crate) mod http_client;
pub mod issuer;
pub mod log;
pub mod login;
mod params;
pub mod parent;
pub mod peers;
pub mod reply;
pub mod services;
pub mod start;
pub mod stores;
pub mod threads;
pub mod trace_protocol;
pub mod transport;
