//! Rules about the sources: their size, which module imports which, where a secret is exposed, and
//! that the tests named in `tests/README.md` and `docs/world.md` exist. `workspace` holds which
//! crate may depend on which.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use byokey_tests::sources::{Package, packages, product, root, sources};

/// Longest file, and the maximal median length.
const MAX_LINES: usize = 500;
const MAX_MEDIAN: usize = 150;

/// The crates of the product. Others are for developers of hosts, or for tests.
const PRODUCT: [&str; 6] = ["protocol", "base", "http", "rpc", "auth", "app-server"];

/// Methods that read the value of a secret.
const EXPOSES: [&str; 2] = [".expose()", ".moved("];

/// The only files and folders of the product that read the value of a secret, and why.
const MAY_EXPOSE: [(&str, &str); 11] = [
    ("/cli/token/", "the output that the user asked for"),
    (
        "/credential/",
        "claims are read, what cannot be sent is refused",
    ),
    (
        "/backend/error.rs",
        "an id that holds a piece of the bearer is not reported",
    ),
    (
        "/http_issuer/",
        "headers, bodies and addresses that the secrets are for",
    ),
    (
        "/gateway/key/unix.rs",
        "the bearer of a gateway, for the programs of its user",
    ),
    ("/memory/locked.rs", "the header that the secret is for"),
    (
        "/login/browser.rs",
        "the code is read from a pasted address",
    ),
    ("/login/mod.rs", "the user is shown the code to type"),
    (
        "/login/random.rs",
        "challenges are made and answers compared",
    ),
    ("/stores/auth_file", "a store that the user chose"),
    (
        "protocol/src/secret.rs",
        "the wire type that a host asked for",
    ),
];

#[test]
fn files_are_small_and_say_what_they_are_for() {
    let mut lengths = Vec::new();
    for source in packages().iter().flat_map(|it| sources(&it.folder)) {
        let path = source.path.display();
        let lines = source.text.lines().count();
        assert!(
            lines <= MAX_LINES,
            "{path} has {lines} lines; at most {MAX_LINES}"
        );
        let begins = source.text.trim_start_matches("#![cfg(unix)]").trim_start();
        assert!(
            begins.starts_with("//! "),
            "{path} does not say what it is for"
        );
        lengths.push(lines);
    }
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(
        median <= MAX_MEDIAN,
        "half of the files have more than {median} lines"
    );
}

/// Returns which top-level modules of a crate import which others of it.
fn imports(package: &Package) -> BTreeMap<String, BTreeSet<String>> {
    let src = package.folder.join("src");
    let itself = format!("byokey_{}::", package.name.replace('-', "_"));
    let mut imports = BTreeMap::<_, BTreeSet<_>>::new();
    for source in product(package) {
        let path = source.path.strip_prefix(&src).unwrap();
        let module = Path::new(path.components().next().unwrap().as_os_str()).with_extension("");
        let module = module.to_str().unwrap();
        let imported = imports.entry(module.to_owned()).or_default();
        for line in source.code() {
            let line = line.replace(&itself, "crate::");
            for part in line.split("crate::").skip(1) {
                let is_name = |character: char| character.is_ascii_lowercase() || character == '_';
                let name: String = part.chars().take_while(|it| is_name(*it)).collect();
                let exists = ["", "/mod"]
                    .iter()
                    .any(|end| src.join(format!("{name}{end}.rs")).exists());
                if name != module && exists {
                    imported.insert(name);
                }
            }
        }
    }
    imports
}

#[test]
fn modules_do_not_import_each_other_in_a_circle() {
    for package in packages() {
        let mut left = imports(&package);
        while !left.is_empty() {
            let known: BTreeSet<_> = left.keys().cloned().collect();
            let before = left.len();
            left.retain(|_, imported| imported.iter().any(|other| known.contains(other)));
            assert!(
                left.len() < before,
                "a circle in `{}`: {left:#?}",
                package.name
            );
        }
    }
}

/// The modules of `app-server`: each imports only those after it.
const ORDER: [&str; 9] = [
    "main", "cli", "server", "threads", "gateway", "backend", "peers", "process", "config",
];

#[test]
fn imports_inside_the_program_run_one_way() {
    let all = packages();
    let package = all.iter().find(|it| it.name == "app-server").unwrap();
    let rank = |module: &str| {
        let rank = ORDER.iter().position(|name| *name == module);
        rank.unwrap_or_else(|| panic!("`{module}` has no place in the order"))
    };
    let mut count = 0;
    for (module, imported) in imports(package) {
        for other in imported {
            assert!(
                rank(&module) < rank(&other),
                "`{module}` imports `{other}`, which comes before it"
            );
            count += 1;
        }
    }
    assert!(count > 10, "only {count} imports were found");
}

#[test]
fn the_login_reaches_http_only_in_its_issuer() {
    let all = packages();
    let package = all.iter().find(|it| it.name == "auth").unwrap();
    let mut users = product(package);
    users.retain(|source| source.code().any(|line| line.contains("byokey_http")));
    assert!(!users.is_empty());
    for source in users {
        let is_issuer = source.path.iter().any(|part| part == "http_issuer");
        assert!(is_issuer, "{} uses byokey-http", source.path.display());
    }
}

#[test]
fn a_secret_is_exposed_in_few_places() {
    for package in packages() {
        if !PRODUCT.contains(&package.name.as_str()) {
            continue;
        }
        for source in product(&package) {
            let path = source.path.display().to_string();
            let may = MAY_EXPOSE.iter().any(|(place, _)| path.contains(place));
            for line in source.code() {
                let exposes = EXPOSES.iter().any(|word| line.contains(word));
                assert!(may || !exposes, "{path} exposes a secret: {}", line.trim());
            }
        }
    }
}

/// Returns the names of all tests of the workspace, with their files.
fn tests() -> BTreeMap<String, Vec<PathBuf>> {
    let mut tests = BTreeMap::<_, Vec<_>>::new();
    for source in packages().iter().flat_map(|it| sources(&it.folder)) {
        let behind = source.text.split("test]").chain(source.text.split("test("));
        for part in behind.filter_map(|part| part.split_once("fn ")) {
            let is_name = |character: &char| character.is_ascii_alphanumeric() || *character == '_';
            let name = part.1.chars().take_while(is_name).collect();
            tests.entry(name).or_default().push(source.path.clone());
        }
    }
    tests
}

/// Returns the names in the tables of the README: the quoted words of each row.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let rows = text.lines().filter(|line| line.starts_with("| "));
    rows.flat_map(|row| row.split('`').skip(1).step_by(2))
}

#[test]
fn every_test_that_the_documents_name_exists() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let readme = read("tests/README.md");
    let text = readme.clone() + &read("docs/world.md");
    let tests = tests();
    let mut count = 0;
    // `file::test` of the black-box tests, or `path.rs::test`. Of a path, the file's name suffices:
    // it may have moved to another crate.
    for (place, test) in named(&text).filter_map(|name| name.split_once("::")) {
        let file = place.rsplit('/').next().unwrap().trim_end_matches(".rs");
        let is_it = |part: &std::ffi::OsStr| Path::new(part).file_stem() == Some(file.as_ref());
        let holds = |path: &PathBuf| path.iter().any(is_it);
        let exists = tests.get(test).is_some_and(|paths| paths.iter().any(holds));
        assert!(exists, "{place}::{test} does not exist");
        count += 1;
    }
    let (_, of_codex) = readme.split_once("| in codex | here |").unwrap();
    let transcripts = named(of_codex).filter(|name| name.contains('/') && !name.contains("::"));
    for name in transcripts {
        let path = root().join(format!("tests/transcripts/{name}.txt"));
        assert!(path.exists(), "{name} does not exist");
        count += 1;
    }
    assert!(count > 350, "only {count} names were found");
}

/// Returns the Markdown files in a folder and one level below it.
fn pages(folder: &Path) -> Vec<PathBuf> {
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let mut paths = entries(folder);
    let inner = paths
        .iter()
        .filter(|path| path.is_dir())
        .map(|path| entries(path));
    paths.extend(inner.flatten().collect::<Vec<_>>());
    paths.retain(|path| path.extension().is_some_and(|end| end == "md"));
    paths
}

/// Without `--locked`, cargo takes newer dependencies than those that were tested.
#[test]
fn what_the_documents_install_with_cargo_is_locked() {
    let folders = ["clients", "docs", "release", "tests"];
    let mut paths = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    paths.extend(
        folders
            .iter()
            .flat_map(|folder| pages(&root().join(folder))),
    );
    let mut count = 0;
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        // The one that must not be installed has the name of this program.
        let installs =
            |line: &&str| line.contains("cargo install ") && !line.contains("install byokey");
        for line in text.lines().filter(installs) {
            assert!(line.contains("--locked"), "{}: {line}", path.display());
            count += 1;
        }
    }
    assert!(count >= 3, "only {count} lines were found");
}

#[test]
fn the_method_in_the_recipe_is_that_of_the_sources() {
    let recipes = std::fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let (_, recipe) = recipes.split_once("```diff\n--- protocol/").unwrap();
    let recipe = format!("--- protocol/{}", recipe.split("\n```").next().unwrap());
    let mut files = 0;
    for part in recipe.split("--- ").skip(1) {
        let (head, lines) = part.split_once('\n').unwrap();
        let path = head.split(',').next().unwrap();
        let text = std::fs::read_to_string(root().join(path)).unwrap();
        // An entry of the changelog ends with a digest of that day.
        for line in lines.lines().filter(|_| path != "CHANGELOG.md") {
            let line = line.strip_prefix('+').unwrap();
            assert!(text.lines().any(|it| it == line), "{path} lacks: {line}");
        }
        files += 1;
    }
    assert_eq!(files, 7, "{recipe}");
}

/// Each kind of input has tests, named after its row.
#[test]
fn every_kind_of_input_has_its_tests() {
    let tests = tests();
    for number in 1..=34 {
        let begins = format!("row_{number:02}_");
        let of_row = tests.range(begins.clone()..).next();
        assert!(
            of_row.is_some_and(|(name, _)| name.starts_with(&begins)),
            "no test begins with {begins}"
        );
    }
}
