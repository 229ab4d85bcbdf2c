//! The process itself: how it is protected, what ends it, and what it writes beside the protocol.

pub mod env_token;
pub mod hardening;
pub mod log;
pub mod parent;
pub mod signals;
pub mod token_commands;
pub mod trace_protocol;
