//! From a message to its answer: the session of a client, the dispatch to handlers, what handlers
//! work with and what they return.
//!
//! Reading order: `connection`, `dispatch`, `handlers`; then `services` and `reply`, `error`,
//! `startup`.

pub mod connection;
pub mod dispatch;
pub mod error;
#[cfg(feature = "gateway")]
pub mod gateways;
mod handlers;
pub mod reply;
pub mod services;
pub mod startup;
mod unknown_method;
