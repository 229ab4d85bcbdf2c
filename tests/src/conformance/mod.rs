//! Replays the scenarios of `tests/conformance/` and compares the result with codex's recordings.
//!
//! `scenario` and `recording` read the data, `play` drives the program, `compare` finds the
//! differences, and `rules` holds the intended ones.

pub mod align;
pub mod compare;
pub mod compatibility;
pub mod difference;
pub mod fill;
pub mod normalise;
pub mod play;
pub mod recording;
pub mod rules;
pub mod scenario;
pub mod streams;
pub mod stub;

use std::path::PathBuf;

/// Returns the folder of the scenarios and recordings.
#[must_use]
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("conformance")
}
