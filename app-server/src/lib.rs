//! The library behind `byokey app-server`.
//!
//! Imports run one way: `connection` → `dispatch` → `handlers` → `auth`, `backend`, `threads`,
//! `peers` → the crates `byokey-rpc`, `byokey-base` and `byokey-protocol`. `issuer` and `stores`
//! carry out what `auth` asks for. See `docs/architecture.md`.

pub mod auth;
pub mod backend;
pub mod background;
pub mod config;
pub mod connection;
pub mod dispatch;
pub mod error;
mod handlers;
pub mod hardening;
pub mod issuer;
pub mod log;
pub mod login;
pub mod parent;
pub mod peers;
pub mod reply;
pub mod services;
pub mod start;
pub mod stores;
pub mod threads;
pub mod trace_protocol;
