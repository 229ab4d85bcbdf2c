//! The documents name every setting, preset, action of a step and route, and the tests for the
//! facts.

use std::fs;
use std::path::{Path, PathBuf};

use byokey_dev_backend::{Route, Script, presets};
use serde_json::json;

const README: &str = include_str!("../../README.md");
const BACKEND: &str = include_str!("../../../docs/backend.md");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns the members that serde lists as expected in its error for an unknown one.
fn accepted(script: serde_json::Value) -> Vec<String> {
    let error = Script::from_value(script).unwrap_err().to_string();
    let (_, list) = error.split_once("expected one of ").expect(&error);
    list.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_readme_has_a_row_for_each_member_of_a_script() {
    let any = json!(0);
    for (script, least) in [
        (json!({"?": any}), 5),
        (json!({"settings": {"?": any}}), 9),
        (json!({"settings": {"unpublished": {"?": any}}}), 16),
        (json!({"routes": {"usage": [{"?": any}]}}), 11),
    ] {
        let members = accepted(script);
        assert!(members.len() >= least, "{members:?}");
        for member in members {
            let is_in_a_row = |row: &&str| {
                let first = row
                    .trim_start_matches('|')
                    .split('|')
                    .next()
                    .unwrap_or_default();
                row.starts_with('|') && first.contains(&format!("`{member}`"))
            };
            assert!(
                README.lines().any(|row| is_in_a_row(&row)),
                "no row for `{member}`"
            );
        }
    }
    for route in Route::ALL {
        assert!(
            README.contains(&format!("| `{route}` |")),
            "no row for {route}"
        );
    }
}

#[test]
fn the_readme_has_a_row_for_each_preset() {
    let row = |(name, about, route)| format!("| `{name}` | `{route}` | {about} |\n");
    let missing: String = presets()
        .map(row)
        .filter(|row| !README.contains(row))
        .collect();
    assert!(missing.is_empty(), "missing:\n{missing}");
}

#[test]
fn each_preset_and_setting_has_its_source() {
    for (name, _, _) in presets() {
        assert!(
            BACKEND.contains(&format!("`{name}`")),
            "no source for the preset {name}"
        );
    }
    let settings = json!({"settings": {"?": 0}});
    let unpublished = json!({"settings": {"unpublished": {"?": 0}}});
    for name in accepted(settings).into_iter().chain(accepted(unpublished)) {
        let is_named = BACKEND.contains(&format!("`{name}`"));
        assert!(
            is_named || name == "unpublished",
            "no source for the setting {name}"
        );
    }
}

/// Returns the tests named in a table of the document: `file::test`.
fn named_tests() -> Vec<(String, String)> {
    let rows = BACKEND.lines().filter(|line| line.starts_with('|'));
    let quoted = rows.flat_map(|row| row.split('`').skip(1).step_by(2));
    quoted
        .filter_map(|text| text.split_once(".rs::"))
        .map(|(file, test)| (format!("{file}.rs"), test.to_owned()))
        .collect()
}

/// The modules of the server.
fn modules() -> Vec<PathBuf> {
    let mut folders = vec![root().join("app-server/src"), root().join("auth/src")];
    let mut modules = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                modules.push(path);
            }
        }
    }
    modules
}

#[test]
fn the_tests_that_the_document_names_exist() {
    let tests = named_tests();
    assert!(tests.len() > 60, "{}", tests.len());
    let modules = modules();
    for (file, test) in tests {
        // A name without a folder is a module of the server, in any folder.
        let named = |path: &&PathBuf| path.ends_with(&file);
        let paths: Vec<_> = if file.contains('/') {
            vec![root().join(&file)]
        } else {
            modules.iter().filter(named).cloned().collect()
        };
        let text: String = paths
            .iter()
            .filter_map(|path| fs::read_to_string(path).ok())
            .collect();
        assert!(
            text.contains(&format!("fn {test}(")),
            "{file} has no test {test}"
        );
    }
}

#[test]
fn each_row_of_a_fact_says_where_it_was_seen_and_which_test_shows_it() {
    let mut facts = 0;
    for line in BACKEND.lines() {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        if !line.starts_with("| ") || cells.len() != 4 || cells[0] == "fact" {
            continue;
        }
        facts += 1;
        assert!(cells.iter().all(|cell| !cell.is_empty()), "{line}");
        assert!(
            cells[3].contains(".rs::") || cells[3].starts_with("none:"),
            "{line}"
        );
    }
    assert!(facts > 60, "{facts}");
}
