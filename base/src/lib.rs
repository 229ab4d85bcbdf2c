//! The common ground of `rpc`, `auth` and `http`: memory for secrets, files and folders of one
//! user, and the time of day.
//!
//! Knows no JSON-RPC, no HTTP client, no credential and no configuration.

pub mod clock;
pub mod memory;
pub mod owner_only;
pub mod private_folder;
