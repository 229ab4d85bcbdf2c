//! The wire protocol of `byokey app-server`.
//!
//! This crate contains the wire types, the one [method table](methods) and the JSON-RPC [envelope].
//! It does no IO, starts no task and has no rule of authentication. The server, the schema, the
//! clients and the tests all derive from it, so a method or a member is declared once.
//!
//! The surface follows the account part of OpenAI's `codex app-server` (its July 2026 state);
//! intended differences are listed in `docs/compatibility.md`.
//!
//! Reading order: [`methods`], [`initialize`], [`login`], [`external_auth`], [`bearer_token`],
//! [`account`], [`limits`], [`usage`], [`models`], [`config`], [`tools`], [`thread`], [`turn`],
//! [`item`], [`warning`], [`error`], [`error_class`], [`open`], [`cancel`], [`envelope`], [`head`], [`request_id`], [`secret`].

pub mod account;
pub mod bearer_token;
mod bounded;
pub mod cancel;
pub mod config;
pub mod empty;
pub mod envelope;
pub mod error;
pub mod error_class;
pub mod external_auth;
pub mod gateway;
pub mod head;
pub mod initialize;
pub mod item;
pub mod limits;
pub mod login;
mod member;
pub mod methods;
pub mod models;
pub mod open;
pub mod request_id;
pub mod scan;
pub mod secret;
mod strictness;
pub mod thread;
pub mod thread_lifecycle;
pub mod tools;
pub mod turn;
pub mod usage;
pub mod warning;
pub mod workspace_routing;

/// Version of the protocol. It changes only if an old peer could be broken.
pub const PROTOCOL_VERSION: &str = "1";

/// The version of codex whose behaviour this protocol matches. codex's clients read it from the
/// user agent and refuse versions that are too old.
pub const CODEX_LEVEL: &str = "0.171.0";
