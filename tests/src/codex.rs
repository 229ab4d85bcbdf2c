//! The real codex: where tests find its program.

use std::path::{Path, PathBuf};

/// Path of codex's program: `CODEX_BIN`, or what `tests/codex/setup.sh` installed. Says so on the
/// test's output if there is none, because something is not tested then.
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
