//! `byokey app-server generate-…` writes the files that are committed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use byokey_tests::binary::byokey;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn generate(what: &str, out: &Path) -> Output {
    let mut command = Command::new(byokey());
    command.args(["app-server", what, "--experimental", "--out"]);
    command.arg(out).output().unwrap()
}

/// Returns the files in a folder, by relative path.
fn files(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(place) = open.pop() {
        for entry in std::fs::read_dir(place).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_path_buf();
                files.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    files
}

#[test]
fn the_program_writes_the_committed_files() {
    let mut schema = files(&root().join("schema/v1"));
    // The files for comparison with later states are for this repository alone.
    schema.remove(Path::new("baseline.json")).unwrap();
    let open_rpc = PathBuf::from("openrpc.json");
    let open_rpc = BTreeMap::from([(open_rpc.clone(), schema.remove(&open_rpc).unwrap())]);
    let typescript = files(&root().join("clients/typescript/src/generated"));
    for (what, committed) in [
        ("generate-json-schema", schema),
        ("generate-ts", typescript),
        ("generate-openrpc", open_rpc),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("made/on/the/way");
        let output = generate(what, &out);
        assert!(output.status.success(), "{what}: {output:?}");
        let written = files(&out);
        assert!(!committed.is_empty(), "nothing is committed for {what}");
        let names = |files: &BTreeMap<PathBuf, String>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&written), names(&committed), "{what}");
        for (name, text) in written {
            assert!(
                text == committed[&name],
                "{what}: {} is another",
                name.display()
            );
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test plays the user")]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let output = generate("generate-ts", &file);
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.starts_with(&format!("byokey: cannot write {}/", file.display())),
        "{message}"
    );
}
