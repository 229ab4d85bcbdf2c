//! The common ground of `rpc`, `auth` and `http`: memory for secrets, files and folders of one
//! user, the time of day, causes of system errors, and bounded places for connections.
//!
//! Knows no JSON-RPC, no HTTP client, no credential and no configuration.

pub mod clock;
pub mod memory;
pub mod os_cause;
pub mod owner_only;
pub mod places;
pub mod private_folder;
