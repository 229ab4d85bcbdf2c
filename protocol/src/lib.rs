//! The words on the wire of `byokey app-server`.
//!
//! This crate holds the wire types, the one [method table](methods) and the JSON-RPC
//! [envelope]. It does no IO, starts no task and knows no rule of authentication. The server,
//! the schema, the clients and the tests all derive from it, so a method or a member is written
//! once.
//!
//! The surface follows the account part of OpenAI's `codex app-server` (its July 2026 state);
//! what differs on purpose is listed in `docs/compatibility.md`.
//!
//! Reading order: [`methods`], [`initialize`], [`login`], [`external_auth`], [`account`],
//! [`limits`], [`usage`], [`models`], [`config`], [`tools`], [`thread`], [`turn`], [`item`], [`warning`],
//! [`error`], [`open`], [`cancel`], [`envelope`], [`head`], [`request_id`], [`secret`].

pub mod account;
pub mod cancel;
pub mod config;
pub mod empty;
pub mod envelope;
pub mod error;
pub mod external_auth;
pub mod head;
pub mod initialize;
pub mod item;
pub mod limits;
pub mod login;
pub mod methods;
pub mod models;
pub mod open;
pub mod request_id;
pub mod secret;
mod strictness;
pub mod thread;
pub mod tools;
pub mod turn;
pub mod usage;
pub mod warning;

/// Version of the protocol spoken here. It changes only when an old peer could be broken.
pub const PROTOCOL_VERSION: &str = "1";

/// The codex level whose behaviour this protocol matches. Clients of codex read it from the
/// user agent and refuse what they find too old.
pub const CODEX_LEVEL: &str = "0.169.0";
