//! Transcripts as data files: one rule per file, run against the server.
//!
//! The format is described in `tests/transcripts/README.md`. [`Transcript`] is a parsed file,
//! [`play`] runs it: in this process over in-memory pipes, or against the spawned program.

mod file;
mod fill;
mod pattern;
mod player;
mod script;
mod stage;
mod wire;

use std::path::{Path, PathBuf};

pub use file::{Line, Step, Transcript};
pub use player::play;
pub use stage::Mode;

/// Returns the folder of the transcripts.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts")
}

/// Returns all transcripts, by family and name.
///
/// # Panics
///
/// When a file cannot be parsed; the message names file and line.
#[must_use]
pub fn all() -> Vec<Transcript> {
    let mut files = Vec::new();
    for family in entries(&folder()).into_iter().filter(|path| path.is_dir()) {
        let is_transcript = |path: &PathBuf| path.extension().is_some_and(|end| end == "txt");
        files.extend(entries(&family).into_iter().filter(is_transcript));
    }
    files.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Transcript {
    let text = std::fs::read_to_string(path).expect("a transcript is readable");
    let name = path
        .strip_prefix(folder())
        .unwrap_or(path)
        .with_extension("");
    let name = name.display().to_string().replace('\\', "/");
    match Transcript::parse(&name, &text) {
        Ok(transcript) => transcript,
        Err(problem) => panic!("{problem}"),
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the transcripts are there");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}
