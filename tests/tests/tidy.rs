//! What the sources themselves have to be like: their size, who imports whom, and where a secret
//! may leave its box.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Longest file, and the length that half of them may not exceed.
const MAX_LINES: usize = 500;
const MAX_MEDIAN: usize = 150;

/// From the top down. A module imports only from its own line and those below; one that is not
/// named here may stand anywhere, as long as there is no way round in a circle.
const LAYERS: [&[&str]; 5] = [
    &["main", "cli"],
    &["connection"],
    &["dispatch"],
    &["handlers"],
    &["auth", "backend", "threads", "peers"],
];

/// How a value is got out of a secret.
const WAYS_OUT: [&str; 2] = [".expose()", ".moved("];

/// The only files that look into a secret, and what for.
const MAY_EXPOSE: [(&str, &str); 9] = [
    (
        "app-server/src/auth/credential/",
        "claims are read, what cannot be sent is refused",
    ),
    (
        "app-server/src/backend/error.rs",
        "an id that holds a piece of the bearer is not told",
    ),
    (
        "app-server/src/issuer/",
        "headers, bodies and addresses that the secrets are for",
    ),
    (
        "base/src/memory/locked.rs",
        "the header that the secret is for",
    ),
    (
        "app-server/src/login/browser.rs",
        "the code is read from a pasted address",
    ),
    (
        "app-server/src/login/mod.rs",
        "the user is shown the code to type",
    ),
    (
        "app-server/src/login/random.rs",
        "challenges are made and answers compared",
    ),
    (
        "app-server/src/stores/auth_file.rs",
        "a store that the user chose",
    ),
    (
        "protocol/src/secret.rs",
        "the wire type that a host asked for",
    ),
];

struct Source {
    path: String,
    text: String,
}

impl Source {
    /// The lines that count: no comments, and nothing behind the unit tests' attribute.
    fn code(&self) -> impl Iterator<Item = &str> {
        let code = self
            .text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        code.lines()
            .filter(|line| !line.trim_start().starts_with("//"))
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Rust file under these folders.
fn sources(folders: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders: Vec<_> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") && !path.ends_with("third-party") {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let path = path.strip_prefix(root()).unwrap().display().to_string();
                found.push(Source { path, text });
            }
        }
    }
    assert!(found.len() > 10, "the sources are not where they should be");
    found
}

/// Those of the server and its protocol that are not there for tests only.
fn product() -> Vec<Source> {
    let all = sources(&["app-server/src", "base/src", "protocol/src", "rpc/src"]);
    let for_tests: BTreeSet<_> = all.iter().flat_map(modules_for_tests).collect();
    all.into_iter()
        .filter(|source| !for_tests.contains(&source.path))
        .collect()
}

/// The files that `#[cfg(test)] mod name;` in this one means.
fn modules_for_tests(source: &Source) -> Vec<String> {
    // The modules of `a/mod.rs` and of `a.rs` are in the folder `a`, those of `lib.rs` beside it.
    let path = source.path.trim_end_matches(".rs");
    let folder = path.trim_end_matches("/mod").trim_end_matches("/lib");
    let parts = source.text.split("#[cfg(test)]\n").skip(1);
    let lines = parts.filter_map(|part| part.lines().next()?.strip_suffix(';'));
    let names = lines.filter_map(|line| line.rsplit_once("mod ").map(|(_, name)| name));
    names.map(|name| format!("{folder}/{name}.rs")).collect()
}

#[test]
fn files_are_small_and_say_what_they_are_for() {
    let sources = sources(&[
        "app-server",
        "base",
        "protocol",
        "rpc",
        "schema",
        "clients/rust",
        "dev-backend",
        "bench",
        "tests",
        "fuzz",
    ]);
    let mut lengths = Vec::new();
    for source in &sources {
        let lines = source.text.lines().count();
        assert!(
            lines <= MAX_LINES,
            "{} has {lines} lines; at most {MAX_LINES}",
            source.path
        );
        let begins = source.text.trim_start_matches("#![cfg(unix)]").trim_start();
        assert!(
            begins.starts_with("//! "),
            "{} does not say what it is for",
            source.path
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

/// Which top-level modules of the server import which.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let mut imports = BTreeMap::<_, BTreeSet<_>>::new();
    for source in product() {
        let Some(path) = source.path.strip_prefix("app-server/src/") else {
            continue;
        };
        let module = path
            .split('/')
            .next()
            .unwrap_or_default()
            .trim_end_matches(".rs");
        let imported = imports.entry(module.to_owned()).or_default();
        for line in source.code() {
            let line = line.replace("byokey_app_server::", "crate::");
            for part in line.split("crate::").skip(1) {
                let is_name = |character: char| character.is_ascii_lowercase() || character == '_';
                let name: String = part.chars().take_while(|it| is_name(*it)).collect();
                let exists =
                    |end: &str| root().join(format!("app-server/src/{name}{end}")).exists();
                if name != module && !name.is_empty() && (exists(".rs") || exists("/mod.rs")) {
                    imported.insert(name);
                }
            }
        }
    }
    imports
}

#[test]
fn imports_run_one_way() {
    let imports = imports();
    let layer = |module: &str| LAYERS.iter().position(|layer| layer.contains(&module));
    for module in LAYERS.concat() {
        assert!(
            imports.contains_key(module),
            "`{module}` is not there any more"
        );
    }
    for (module, imported) in &imports {
        for other in imported {
            if let (Some(from), Some(to)) = (layer(module), layer(other)) {
                assert!(
                    from <= to,
                    "`{module}` imports `{other}`, which stands above it"
                );
            }
        }
    }
    for forbidden in [
        "backend",
        "connection",
        "peers",
        "handlers",
        "http_client",
        "issuer",
    ] {
        assert!(
            !imports["auth"].contains(forbidden),
            "`auth` imports `{forbidden}`"
        );
    }
    let mut left = imports;
    while !left.is_empty() {
        let known: BTreeSet<_> = left.keys().cloned().collect();
        let before = left.len();
        left.retain(|_, imported| imported.iter().any(|other| known.contains(other)));
        assert!(
            left.len() < before,
            "these import each other in a circle: {left:#?}"
        );
    }
}

#[test]
fn a_secret_leaves_its_box_in_few_places() {
    let mut seen = BTreeSet::new();
    for source in product() {
        let leaves = |line: &&str| WAYS_OUT.iter().any(|way| line.contains(way));
        for line in source.code().filter(leaves) {
            let place = MAY_EXPOSE
                .iter()
                .find(|(place, _)| source.path.starts_with(place));
            let Some((place, _)) = place else {
                panic!("{} looks into a secret: {}", source.path, line.trim());
            };
            seen.insert(*place);
        }
    }
    for (place, _) in MAY_EXPOSE {
        assert!(
            seen.contains(place),
            "{place} does not look into a secret any more"
        );
    }
}

/// Comparing digests with `==` would tell, by the time it takes, how much of one is right.
#[test]
fn bearers_are_compared_in_constant_time() {
    let path = "rpc/src/transport/websocket/bearer.rs";
    let sources = product();
    let bearer = sources.iter().find(|source| source.path == path).unwrap();
    let code: Vec<_> = bearer.code().collect();
    let comparisons: Vec<_> = code
        .iter()
        .filter(|line| line.contains("expected"))
        .collect();
    assert!(
        comparisons
            .iter()
            .any(|line| line.contains("expected.ct_eq("))
    );
    assert!(
        code.iter()
            .any(|line| line.contains("subtle::ConstantTimeEq"))
    );
    assert!(
        !code
            .iter()
            .any(|line| line.contains(" == ") || line.contains("starts_with"))
    );
}

/// Comparing states with `==` would tell, by the time it takes, how much of one is right.
#[test]
fn states_are_compared_in_constant_time() {
    let sources = product();
    let code = |path: &str| {
        let source = sources.iter().find(|source| source.path == path).unwrap();
        source.code().collect::<Vec<_>>().join("\n")
    };
    let random = code("app-server/src/login/random.rs");
    let (_, compares) = random.split_once("fn matches(").unwrap();
    let compares = compares.split("\n}").next().unwrap();
    assert!(compares.contains(".ct_eq(") && !compares.contains(" == "));
    assert!(random.contains("subtle::ConstantTimeEq"));
    let callback = code("app-server/src/login/callback.rs");
    assert!(callback.contains("|given| matches(state, &given)"));
}

/// Whether the test or transcript that a table names is there.
fn is_there(name: &str) -> bool {
    let transcript = root().join(format!("tests/transcripts/{name}.txt"));
    has_test(name) || transcript.exists()
}

#[test]
fn every_test_that_a_table_of_the_readme_names_is_there() {
    let text = std::fs::read_to_string(root().join("tests/README.md")).unwrap();
    let (_, tables) = text.split_once("| in codex | here |").unwrap();
    let rows = tables.lines().filter(|line| line.starts_with("| "));
    let mut count = 0;
    for row in rows {
        let here = row
            .trim_end_matches([' ', '|'])
            .rsplit(" | ")
            .next()
            .unwrap();
        let names = here.split('`').skip(1).step_by(2);
        for name in names {
            assert!(is_there(name), "{name} is not there");
            count += 1;
        }
    }
    assert!(count > 110, "only {count} names were found");
}

#[test]
fn every_promise_of_robustness_has_its_tests() {
    let rows = rows("| row | tests |");
    for (row, tests) in &rows {
        assert!(!tests.is_empty(), "{row} has no test");
        for test in tests {
            assert!(has_test(test), "{test} is not there");
        }
    }
    for number in 1..=34 {
        let begins = format!("robust_inputs::row_{number:02}_");
        let row = rows.iter().find(|(row, _)| *row == number.to_string());
        let (_, tests) = row.unwrap_or_else(|| panic!("row {number} is not there"));
        assert!(
            tests.iter().all(|test| test.starts_with(&begins)),
            "{row:?}"
        );
    }
}

/// A list of changes that take something away.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutants {
    mutant: Vec<Mutant>,
}

/// Such a change, and the tests that must fail with it. `tests/mutants/run.py` makes sure that they
/// do.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutant {
    row: String,
    breaks: String,
    file: String,
    from: String,
    to: String,
    #[serde(default)]
    also: Vec<Change>,
    /// Whether it takes a program that is as quick and as small as the shipped one.
    #[serde(default)]
    optimised: bool,
    fails: Vec<String>,
}

/// One more place, where each would do alone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    file: String,
    from: String,
    to: String,
}

fn mutants() -> Vec<Mutant> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(root().join("tests/mutants")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "toml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.lines().count() <= MAX_LINES, "{path:?} is too long");
        let list: Mutants =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        all.extend(list.mutant);
    }
    all
}

#[test]
fn mutants_change_what_is_there_and_name_tests_that_are() {
    let readme = std::fs::read_to_string(root().join("tests/README.md")).unwrap();
    for mutant in mutants() {
        let (row, breaks) = (&mutant.row, &mutant.breaks);
        assert!(
            readme.contains(&format!("\n| {row} |")),
            "no table has {row}"
        );
        let also = mutant.also.iter().map(|it| (&it.file, &it.from, &it.to));
        for (file, from, to) in also.chain([(&mutant.file, &mutant.from, &mutant.to)]) {
            let text = std::fs::read_to_string(root().join(file)).unwrap_or_default();
            assert_eq!(text.matches(from).count(), 1, "{row}: {breaks}: {file}");
            assert_ne!(from, to, "{row}: {breaks}");
        }
        assert!(!mutant.fails.is_empty(), "{row}: {breaks}");
        for test in &mutant.fails {
            assert!(has_test(test), "{row}: {breaks}: {test} is not there");
            // Only these use the shipped program.
            let has_figures = test.starts_with("robust_goals::");
            assert!(has_figures || !mutant.optimised, "{row}: {breaks}");
        }
    }
}

#[test]
fn every_test_of_a_promise_or_rule_has_a_mutant() {
    let mutants = mutants();
    let promises = rows("| row | tests |").into_iter();
    for (row, tests) in promises.chain(rows("| rule | tests |")) {
        let of_row = mutants.iter().filter(|mutant| mutant.row == row);
        let failing: Vec<_> = of_row.flat_map(|mutant| &mutant.fails).collect();
        for test in &tests {
            assert!(failing.contains(&test), "{row}: nothing makes {test} fail");
        }
    }
}

/// The rows of a table in the description of the tests: the first column, and the names in the
/// second.
fn rows(heading: &str) -> Vec<(String, Vec<String>)> {
    let text = std::fs::read_to_string(root().join("tests/README.md")).unwrap();
    let (_, table) = text.split_once(heading).unwrap();
    let lines = table.lines().skip(2);
    let lines = lines.take_while(|line| line.starts_with("| "));
    lines
        .map(|line| {
            let mut columns = line.split('|').skip(1);
            let first = columns.next().unwrap().trim().to_owned();
            let names = columns.next().unwrap().split('`').skip(1).step_by(2);
            (first, names.map(str::to_owned).collect())
        })
        .collect()
}

/// Whether there is a test of that name: `file::test` of the black-box tests, or `path.rs::test`.
fn has_test(name: &str) -> bool {
    let Some((file, test)) = name.split_once("::") else {
        return false;
    };
    let path = match file.ends_with(".rs") {
        true => root().join(file),
        false => root().join("tests/tests").join(file),
    };
    let files = match std::fs::read_dir(&path) {
        Ok(entries) => entries.map(|entry| entry.unwrap().path()).collect(),
        Err(_) => vec![path.with_extension("rs")],
    };
    files.iter().any(|file| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let tests = text.split("test]").chain(text.split("test(")).skip(1);
        tests
            .filter_map(|behind| behind.split_once("fn "))
            .any(|(_, behind)| behind.starts_with(&format!("{test}(")))
    })
}
