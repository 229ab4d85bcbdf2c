//! From the Rust types of the protocol to everything that is generated from them.
//!
//! [`collect`] asks the types for their JSON Schema, [`model`] reduces that to the few shapes that
//! the wire has, and one module per output format writes it. [`output::files`] is all of it; `cargo
//! run -p byokey-schema` writes it into the repository, where it is committed.

pub mod collect;
pub mod compare;
pub mod error_kinds;
pub mod examples;
pub mod families;
pub mod files;
pub mod growth;
pub mod json_schema;
pub mod json_text;
pub mod kotlin;
pub mod meta;
pub mod model;
pub mod names;
pub mod oldest;
pub mod open_rpc;
pub mod output;
pub mod prose;
pub mod python;
pub mod reference;
pub mod typescript;
pub mod wire;

/// Errors are one sentence for the developer that changes the protocol.
pub type Result<T> = std::result::Result<T, String>;
