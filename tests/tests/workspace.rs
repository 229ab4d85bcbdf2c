//! The shape of the workspace: dependencies between crates, the libraries in real use, and the map
//! in `docs/architecture.md`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use byokey_client::ByokeyClient;
use byokey_rpc::{AnswerError, RequestError};
use byokey_tests::sources::{self, product, root};
use jsonrpsee_core::client::ClientT;
use jsonrpsee_types::ErrorObjectOwned;
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

/// Crates that are on the map as a whole: they measure or test the product.
const AS_A_WHOLE: [&str; 4] = ["bench", "fuzz", "heap", "tests"];

/// Most files that have no row of their own, and are described by the row of their folder.
const MAX_BEHIND_A_FOLDER: usize = 8;

/// Libraries of the product, and a crate with program code that must use each.
const IN_USE: [(&str, &[&str]); 10] = [
    ("tokio", &["byokey-rpc", "byokey-app-server"]),
    ("serde", &["byokey-protocol"]),
    ("serde_json", &["byokey-protocol", "byokey-rpc"]),
    ("jsonrpsee-core", &["byokey-client"]),
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
            let package = sources::Package {
                name: (*user).to_owned(),
                folder: package.folder().to_owned(),
            };
            let files = product(&package);
            let used = files
                .iter()
                .flat_map(sources::Source::code)
                .any(|line| line.contains(&path));
            assert!(used, "`{user}` does not use {library}");
        }
    }
}

/// This compiles only while the client implements jsonrpsee's trait, and while the errors that
/// `rpc` writes and reads are jsonrpsee's objects.
#[test]
fn users_of_jsonrpsee_find_its_trait_and_its_error() {
    const fn implements<T: ClientT>() {}
    const fn is_read<T: AnswerError>() {}
    implements::<ByokeyClient>();
    is_read::<ErrorObjectOwned>();
    let written: fn(RequestError) -> ErrorObjectOwned = RequestError::into_object;
    assert_eq!(written(RequestError::parse()).code(), -32700);
}

/// reqwest is the only HTTP client in the manifests, and makes every connection. A request on a
/// standby connection is written with hyper, in `byokey-http` alone (decision 37).
#[test]
fn no_crate_depends_on_another_http_client() {
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
    for package in sources::packages() {
        let of_crate = package.folder.strip_prefix(root()).unwrap();
        if AS_A_WHOLE.contains(&package.name.as_str()) {
            if !places.contains(&of_crate.display().to_string()) {
                missing.push(of_crate.to_owned());
            }
            continue;
        }
        let files = product(&package).into_iter().map(|it| it.path);
        let files = files.map(|path| path.strip_prefix(root()).unwrap().to_owned());
        missing.extend(not_on_the_map(files, &of_crate.join("src"), &places));
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

/// Returns the files that have no place on the map: neither a row of their own, nor a folder with
/// one in which few are without. `src` is not such a folder.
fn not_on_the_map(
    files: impl Iterator<Item = PathBuf>,
    src: &Path,
    places: &BTreeSet<String>,
) -> Vec<PathBuf> {
    let is_named = |path: &Path| places.contains(&path.display().to_string());
    let mut of_folder = BTreeMap::<_, Vec<_>>::new();
    for file in files.filter(|file| !is_named(file)) {
        let is_root = file.parent() == Some(src)
            && ["lib.rs", "main.rs"]
                .iter()
                .any(|name| file.ends_with(name));
        if !is_root {
            let inside = |folder: &&Path| folder.starts_with(src) && *folder != src;
            let mut folders = file.ancestors().skip(1).take_while(inside);
            let named = folders.find(|folder| is_named(folder)).map(Path::to_owned);
            of_folder.entry(named).or_default().push(file);
        }
    }
    let too_many = |(folder, files): &(Option<PathBuf>, Vec<PathBuf>)| {
        folder.is_none() || files.len() > MAX_BEHIND_A_FOLDER
    };
    let missing = of_folder.into_iter().filter(too_many);
    missing.flat_map(|(_, files)| files).collect()
}

#[test]
fn a_file_without_a_row_is_missing_from_the_map() {
    let places = BTreeSet::from(["x/src/one.rs", "x/src/few"].map(str::to_owned));
    let missing = |files: &[&str]| {
        let files = files.iter().map(PathBuf::from);
        not_on_the_map(files, Path::new("x/src"), &places).len()
    };
    assert_eq!(
        missing(&["x/src/lib.rs", "x/src/one.rs", "x/src/few/a.rs"]),
        0
    );
    assert_eq!(missing(&["x/src/two.rs", "x/src/other/lib.rs"]), 2);
    let many: Vec<_> = (0..9).map(|it| format!("x/src/few/deep/{it}.rs")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    assert_eq!(missing(&many[1..]), 0);
    assert_eq!(missing(&many), 9);
}

/// What a newcomer looks for, and the file that does it: its row has these words.
const BEHAVIOURS: [(&str, &str); 10] = [
    (
        "how often a 401 is recovered from",
        "app-server/src/backend/outcome.rs",
    ),
    ("slow down", "auth/src/http_issuer/device.rs"),
    (
        "output limit",
        "app-server/src/process/token_commands/run.rs",
    ),
    ("late answer", "auth/src/state"),
    ("8 MiB unread", "rpc/src/transport/listener"),
    ("locked or silent", "auth/src/stores/keyring"),
    ("when it is lost", "app-server/src/peers"),
    ("CSRF", "auth/src/login/browser.rs"),
    ("rotation across processes", "auth/src/renewal.rs"),
    ("single flight", "auth/src/manager/asking.rs"),
];

#[test]
fn the_map_leads_from_a_behaviour_to_its_file() {
    let map = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    for (words, place) in BEHAVIOURS {
        let mut rows = map.lines().filter(|row| row.contains(words));
        let found = rows.any(|row| places_on_the_map(row).contains(place));
        assert!(found, "no row leads from \"{words}\" to {place}");
    }
}

#[test]
fn a_map_is_read_row_by_row() {
    let map = "| a | b |\n| `x/src/one.rs`, `two.rs`, `three/` | `no` |\n`x/src/four.rs`\n";
    let places = places_on_the_map(map);
    let expected = ["x/src/one.rs", "x/src/two.rs", "x/src/three"];
    assert_eq!(places, BTreeSet::from(expected.map(str::to_owned)));
}
