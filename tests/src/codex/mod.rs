//! The real codex: the path of its program, its schema as it writes it, and what changed from one
//! version to another.

pub mod changes;
pub mod facts;
pub mod schema;

use std::path::{Path, PathBuf};

/// Returns the path of codex's program: `CODEX_BIN`, or the one installed by
/// `tests/codex/setup.sh`. Reports a missing one on the test's output, because something is not
/// tested then.
#[must_use]
pub fn program() -> Option<PathBuf> {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.cache/codex/codex");
    let program = std::env::var_os("CODEX_BIN").map_or(installed, PathBuf::from);
    if program.exists() {
        return Some(program);
    }
    println!("SKIPPED: codex is not installed; tests/codex/setup.sh installs it");
    None
}
