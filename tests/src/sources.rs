//! The sources of the workspace, for the tests of its rules.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cargo;

/// A package of the workspace.
#[derive(Debug)]
pub struct Package {
    /// The name, without `byokey-`.
    pub name: String,
    /// Where its manifest is.
    pub folder: PathBuf,
}

/// A Rust file.
#[derive(Debug)]
pub struct Source {
    /// Its path.
    pub path: PathBuf,
    /// What it contains.
    pub text: String,
}

impl Source {
    /// Returns the code lines: no comments, and nothing behind the unit tests' attribute.
    pub fn code(&self) -> impl Iterator<Item = &str> {
        let code = self
            .text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        code.lines()
            .filter(|line| !line.trim_start().starts_with("//"))
    }

    /// Returns the files of `#[cfg(test)] mod name;` in this one.
    fn modules_for_tests(&self) -> Vec<PathBuf> {
        // The modules of `a/mod.rs` and of `a.rs` are in the folder `a`, those of `lib.rs` beside it.
        let stem = self.path.file_stem().unwrap();
        let folder = match stem == "mod" || stem == "lib" || stem == "main" {
            true => self.path.parent().unwrap().to_owned(),
            false => self.path.with_extension(""),
        };
        let parts = self.text.split("#[cfg(test)]\n").skip(1);
        let lines = parts.filter_map(|part| part.lines().next()?.strip_suffix(';'));
        let names = lines.filter_map(|line| line.rsplit_once("mod ").map(|(_, name)| name));
        names
            .map(|name| folder.join(name).with_extension("rs"))
            .collect()
    }
}

/// Returns the root of the workspace.
///
/// # Panics
///
/// It is gone.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap()
}

/// Returns the packages of the workspace.
///
/// # Panics
///
/// Cargo does not list them.
#[must_use]
pub fn packages() -> Vec<Package> {
    let output = cargo()
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let short = |name: &Value| {
        let name = name.as_str().unwrap();
        name.strip_prefix("byokey-").map(str::to_owned)
    };
    let list = |value: &Value| value.as_array().unwrap().clone();
    let package = |package: Value| Package {
        name: short(&package["name"]).unwrap(),
        folder: Path::new(package["manifest_path"].as_str().unwrap())
            .parent()
            .unwrap()
            .to_owned(),
    };
    let packages: Vec<_> = list(&metadata["packages"])
        .into_iter()
        .map(package)
        .collect();
    assert!(packages.len() >= 8, "cargo does not list the workspace");
    packages
}

/// Returns all Rust files under this folder.
///
/// # Panics
///
/// There are none, or one cannot be read.
#[must_use]
pub fn sources(folder: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let is_ours = !["target", "third-party", "node_modules"]
                .iter()
                .any(|name| path.ends_with(name));
            if path.is_dir() && is_ours {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push(Source { path, text });
            }
        }
    }
    assert!(!found.is_empty(), "{folder:?} has no sources");
    found
}

/// Returns the sources of a package without those for tests.
///
/// # Panics
///
/// They cannot be read.
#[must_use]
pub fn product(package: &Package) -> Vec<Source> {
    let all = sources(&package.folder.join("src"));
    let for_tests: BTreeSet<_> = all.iter().flat_map(Source::modules_for_tests).collect();
    let is_for_tests = |path: &Path| {
        let mut modules = for_tests.iter();
        modules.any(|module| path == module || path.starts_with(module.with_extension("")))
    };
    all.into_iter()
        .filter(|source| !is_for_tests(&source.path))
        .collect()
}
