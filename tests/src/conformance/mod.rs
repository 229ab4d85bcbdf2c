//! Replays the scenarios of `tests/conformance/` and compares with what codex said to them.
//!
//! `scenario` and `recording` read the data, `play` drives the program, `compare` finds the
//! differences, and `rules` tells which of them are on purpose.

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

/// The folder of the scenarios and recordings.
#[must_use]
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("conformance")
}
