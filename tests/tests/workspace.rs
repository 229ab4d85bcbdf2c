//! The shape of the workspace: dependencies between crates, the libraries in real use, and the map
//! in `docs/architecture.md`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

/// What each crate of the product may depend on within the workspace, in every kind of build. The
/// compiler refuses a cycle; this refuses a dependency upwards.
const MAY_DEPEND_ON: [(&str, &[&str]); 8] = [
    ("byokey-protocol", &[]),
    ("byokey-heap", &[]),
    ("byokey-base", &["byokey-protocol"]),
    ("byokey-rpc", &["byokey-protocol", "byokey-base"]),
    ("byokey-http", &["byokey-protocol", "byokey-base"]),
    (
        "byokey-auth",
        &["byokey-protocol", "byokey-base", "byokey-http"],
    ),
    (
        "byokey-client",
        &["byokey-protocol", "byokey-base", "byokey-rpc"],
    ),
    (
        "byokey-demo",
        &["byokey-protocol", "byokey-rpc", "byokey-dev-backend"],
    ),
];

/// Folders that group modules, each of which is on the map by itself.
const GROUPS: [&str; 2] = ["app-server/src/server", "app-server/src/process"];

/// Libraries of the product, and a crate whose program code must use each.
const IN_USE: [(&str, &[&str]); 9] = [
    ("tokio", &["byokey-rpc", "byokey-app-server"]),
    ("serde", &["byokey-protocol"]),
    ("serde_json", &["byokey-protocol", "byokey-rpc"]),
    ("jsonrpsee-types", &["byokey-rpc"]),
    ("schemars", &["byokey-protocol"]),
    ("reqwest", &["byokey-http"]),
    ("thiserror", &["byokey-rpc", "byokey-auth"]),
    ("uuid", &["byokey-app-server"]),
    ("zeroize", &["byokey-base", "byokey-protocol"]),
];

/// Other HTTP clients. Backend and issuer are reached through reqwest alone.
const OTHER_HTTP_CLIENTS: [&str; 5] = ["ureq", "isahc", "curl", "attohttpc", "surf"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    features: Vec<String>,
}

impl Package {
    fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap()
    }

    /// Iterates over the dependencies of the program, without those of tests and build scripts.
    fn program_dependencies(&self) -> impl Iterator<Item = &Dependency> {
        self.dependencies.iter().filter(|it| it.kind.is_none())
    }
}

fn packages() -> BTreeMap<String, Package> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let metadata: Metadata = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata.packages.into_iter();
    packages.map(|it| (it.name.clone(), it)).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap()
}

/// Returns the text of all Rust files under a folder.
fn sources(folder: &Path) -> String {
    let (mut text, mut folders) = (String::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                text += &std::fs::read_to_string(path).unwrap();
            }
        }
    }
    text
}

#[test]
fn crates_depend_only_downwards() {
    let packages = packages();
    for (name, allowed) in MAY_DEPEND_ON {
        let package = packages.get(name);
        let package = package.unwrap_or_else(|| panic!("there is no crate `{name}`"));
        let ours = package.program_dependencies().map(|it| it.name.as_str());
        let ours: BTreeSet<_> = ours.filter(|it| packages.contains_key(*it)).collect();
        let upwards: Vec<_> = ours.iter().filter(|it| !allowed.contains(it)).collect();
        assert!(upwards.is_empty(), "`{name}` depends on {upwards:?}");
    }
}

#[test]
fn the_libraries_that_the_product_stands_on_are_in_use() {
    let packages = packages();
    for (library, users) in IN_USE {
        for user in users {
            let package = &packages[*user];
            let declared = package.program_dependencies().any(|it| it.name == library);
            assert!(declared, "`{user}` does not depend on {library}");
            let path = format!("{}::", library.replace('-', "_"));
            let used = sources(&package.folder().join("src")).contains(&path);
            assert!(used, "`{user}` does not use {library}");
        }
    }
}

#[test]
fn http_calls_go_through_reqwest_alone() {
    for package in packages().values() {
        for dependency in package.program_dependencies() {
            let name = dependency.name.as_str();
            assert!(
                !OTHER_HTTP_CLIENTS.contains(&name),
                "`{}` depends on {name}",
                package.name
            );
            let is_client = dependency
                .features
                .iter()
                .any(|it| it == "client" || it == "client-legacy");
            // It sends requests itself only on connections that reqwest opened ahead.
            let may_send = package.name == "byokey-http";
            assert!(
                may_send || !(name.starts_with("hyper") && is_client),
                "`{}` uses the client of {name}",
                package.name
            );
        }
    }
}

/// Returns the places on the map: everything in backticks in the first cell of a row of a table,
/// where a name without a folder is in the folder of the place before it.
fn places_on_the_map(map: &str) -> BTreeSet<String> {
    let mut places = BTreeSet::new();
    for row in map.lines().filter(|line| line.starts_with('|')) {
        let mut folder = String::new();
        let cell = row.split('|').nth(1).unwrap_or_default();
        for name in cell.split('`').skip(1).step_by(2) {
            let place = if name.trim_end_matches('/').contains('/') {
                name.to_owned()
            } else {
                format!("{folder}{name}")
            };
            let named = place.trim_end_matches('/');
            let above = named.rsplit_once('/').map(|(above, _)| above);
            folder = above.map_or_else(String::new, |above| format!("{above}/"));
            places.insert(place.trim_end_matches('/').to_owned());
        }
    }
    places
}

/// Returns the entries of a folder of the workspace, by path from its root.
fn entries(folder: &str) -> Vec<String> {
    std::fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| format!("{folder}/{name}"))
        .collect()
}

#[test]
fn unsafe_is_forbidden_but_in_the_heap() {
    for (name, package) in packages() {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        let forbids = manifest.contains("[lints]\nworkspace = true\n");
        assert_eq!(forbids, name != "byokey-heap", "{name}");
    }
    let workspace = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(workspace.contains("unsafe_code = \"forbid\""));
}

#[test]
fn every_module_is_on_the_map() {
    let map = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let places = places_on_the_map(&map);
    let mut missing = Vec::new();
    let mut existing = BTreeSet::new();
    for package in packages().values() {
        let crate_folder = package.folder().strip_prefix(root()).unwrap();
        let crate_folder = crate_folder.display().to_string();
        existing.insert(crate_folder.clone());
        let source = package.folder().join("src");
        // Other folders are on the map as a whole.
        let is_whole = !["app-server", "auth", "base", "http", "protocol", "rpc"]
            .contains(&crate_folder.as_str());
        if is_whole || !source.exists() {
            if !places.contains(&crate_folder) {
                missing.push(crate_folder);
            }
            continue;
        }
        let folder = format!("{crate_folder}/src");
        let groups = GROUPS.iter().filter(|group| group.starts_with(&folder));
        for place in groups
            .map(|group| (*group).to_owned())
            .chain([folder.clone()])
            .flat_map(|folder| entries(&folder))
        {
            let name = place.rsplit('/').next().unwrap();
            let is_root = ["lib.rs", "main.rs"].contains(&name);
            if !is_root && !places.contains(&place) {
                missing.push(place);
            }
        }
    }
    missing.sort();
    assert!(
        missing.is_empty(),
        "not in docs/architecture.md: {missing:#?}"
    );
    let gone: Vec<_> = places
        .iter()
        .filter(|place| place.contains("/src/") && !root().join(place).exists())
        .collect();
    assert!(
        gone.is_empty(),
        "docs/architecture.md names what is not there: {gone:#?}"
    );
}

#[test]
fn a_map_is_read_row_by_row() {
    let map = "| a | b |\n| `x/src/one.rs`, `two.rs`, `three/` | `no` |\n`x/src/four.rs`\n";
    let places = places_on_the_map(map);
    let expected = ["x/src/one.rs", "x/src/two.rs", "x/src/three"];
    assert_eq!(places, BTreeSet::from(expected.map(str::to_owned)));
}
