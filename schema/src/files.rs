//! What every emitter shares: generated files, where they go, and the command that writes them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The command that writes all files.
pub const COMMAND: &str = "cargo run -p byokey-schema";

/// Generated files by path from the root of the repository.
pub type Files = BTreeMap<String, String>;

/// Returns the root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
