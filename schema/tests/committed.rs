//! The committed generated files are up to date.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::path::Path;

use byokey_schema::files::{COMMAND, root};
use byokey_schema::output::{FOLDERS, files};

#[test]
fn committed_files_are_fresh() {
    let files = files().unwrap();
    for (path, text) in &files {
        let committed = std::fs::read_to_string(root().join(path)).unwrap_or_default();
        assert!(
            committed == *text,
            "{path} is stale: run `{COMMAND}` and commit what changes"
        );
    }
    let generated: BTreeSet<_> = files.into_keys().collect();
    for folder in FOLDERS {
        for path in files_of(&root().join(folder)) {
            assert!(
                generated.contains(&path),
                "{path} is generated no more: run `{COMMAND}` and commit what changes"
            );
        }
    }
}

/// Returns the paths of the files in a folder, from the root of the repository.
fn files_of(folder: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // Python's caches are not committed.
        if path.is_dir() {
            assert!(
                path.ends_with("__pycache__"),
                "{} is a folder",
                path.display()
            );
        } else {
            paths.push(path.strip_prefix(root()).unwrap().display().to_string());
        }
    }
    paths
}
