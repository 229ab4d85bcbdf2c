//! Third-party code generators on the published schema: their code compiles, and reads messages of
//! a newer server. `tests/generators/setup.sh` installs them; a missing one is skipped with a
//! message.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::path::Path;
use std::process::{Command, Stdio};

fn accepts_a_newer_server(generator: &str, needs: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let installed = root.join(".cache/generators").join(generator);
    if !installed.join("installed").exists() {
        println!("skipped: {generator} is not installed; run tests/generators/setup.sh --all");
        return;
    }
    for program in needs.iter().chain(&["python3"]) {
        let found = Command::new(program).arg("--help").output();
        if found.is_err() {
            println!("skipped: {generator} needs {program}, which is not installed");
            return;
        }
    }
    let work = tempfile::tempdir().unwrap();
    let output = Command::new("python3")
        .arg(root.join("tests/generators/check.py"))
        .arg(generator)
        .arg(installed)
        .arg(root.join("schema/v1/byokey.schemas.json"))
        .arg(work.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let problems = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{generator}: {said}{problems}");
    println!("{generator}: {said}");
}

#[test]
fn go_by_quicktype() {
    accepts_a_newer_server("quicktype", &["node", "go"]);
}

#[test]
fn pydantic_by_datamodel_code_generator() {
    accepts_a_newer_server("datamodel-code-generator", &[]);
}

#[test]
fn typescript_by_json_schema_to_typescript() {
    accepts_a_newer_server("json-schema-to-typescript", &["node"]);
}

#[test]
fn go_by_go_jsonschema() {
    accepts_a_newer_server("go-jsonschema", &["go"]);
}
