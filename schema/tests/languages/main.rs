//! The generated types of Python and TypeScript read every example, and write it unchanged. They
//! and Rust's read the minimal messages of the version's oldest server. Kotlin's are compiled and
//! used by the tests of its client.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(
    clippy::print_stdout,
    reason = "skipped steps are reported on the test's output"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use byokey_protocol::methods::{Direction, METHODS, TypeVisitor, visit_types};
use byokey_schema::examples;
use byokey_schema::files::root;
use byokey_schema::output::OLDEST;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

#[test]
fn python_reads_and_writes_every_example() {
    if Command::new("python3").arg("--version").output().is_err() {
        println!("SKIPPED: there is no python3");
        return;
    }
    let script = root().join("schema/tests/languages/examples.py");
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", root().join("clients/python/src"));
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    let output = command
        .arg(script)
        .arg(root().join("schema/examples"))
        .arg(root().join(OLDEST))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let count = examples::read().unwrap().values().flatten().count() + oldest().len();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        count.to_string()
    );
}

#[test]
fn typescript_accepts_every_example_and_nothing_else() {
    let compiler = root().join(".cache/typescript-client/node_modules/.bin/tsc");
    if !compiler.exists() {
        println!("SKIPPED: there is no tsc; clients/typescript/setup.sh installs it");
        return;
    }
    let output = check(&compiler, &uses());
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    for (wrong, told) in [
        (
            r#"const it: ClientRequests["account/login/start"]["params"] = {type: "apiKey"};"#,
            "apiKey",
        ),
        (
            r#"const it: ServerNotifications["account/updated"] = {authMode: null};"#,
            "planType",
        ),
        (
            r#"const it: ClientRequests["account/logout"]["params"] = {revok: true};"#,
            "revok",
        ),
        (
            r#"const it = (account: Account) => { account.type = "apiKey"; };"#,
            "type",
        ),
    ] {
        let output = check(&compiler, &format!("{HEAD}{wrong}\nconsole.log(it);\n"));
        let output = String::from_utf8_lossy(&output.stdout).into_owned();
        let caught = output.contains("error TS") && output.contains(told);
        assert!(caught, "this is accepted: {wrong}\n{output}");
    }
}

const HEAD: &str = "\
import type { Account } from \"./generated/types.js\";
import type {
  ClientNotifications, ClientRequests, ServerNotifications, ServerRequests,
} from \"./generated/methods.js\";
declare const console: { log(it: unknown): void };
export type Used = [Account, ClientNotifications, ClientRequests, ServerNotifications, ServerRequests];
";

/// Returns every example as a value of its type.
fn uses() -> String {
    let mut text = HEAD.to_owned();
    let examples = examples::read().unwrap();
    for method in METHODS {
        let (map, params) = match method.direction {
            Direction::ClientRequest => ("ClientRequests", "[\"params\"]"),
            Direction::ClientNotification => ("ClientNotifications", ""),
            Direction::ServerRequest => ("ServerRequests", "[\"params\"]"),
            Direction::ServerNotification => ("ServerNotifications", ""),
        };
        for example in &examples[method.name] {
            let of = format!("{map}[\"{}\"]", method.name);
            let _ = writeln!(
                text,
                "console.log({} satisfies {of}{params});",
                example.params
            );
            if let Some(result) = &example.result {
                let _ = writeln!(text, "console.log({result} satisfies {of}[\"result\"]);");
            }
        }
    }
    for (method, part, value) in oldest() {
        let of = if METHODS
            .iter()
            .any(|one| one.name == method && one.direction == Direction::ServerNotification)
        {
            format!("ServerNotifications[\"{method}\"]")
        } else if part == "params" {
            format!("ServerRequests[\"{method}\"][\"params\"]")
        } else {
            format!("ClientRequests[\"{method}\"][\"result\"]")
        };
        let _ = writeln!(text, "console.log({value} satisfies {of});");
    }
    text
}

/// Returns the minimal messages of the version's oldest server: method, part, and value.
fn oldest() -> Vec<(String, String, Value)> {
    let text = std::fs::read_to_string(root().join(OLDEST)).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    let messages = file["messages"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    messages
        .map(|one| {
            (
                text(&one["method"]),
                text(&one["part"]),
                one["value"].clone(),
            )
        })
        .collect()
}

/// The parsers of each type that the server writes.
#[derive(Default)]
struct Readers(BTreeMap<String, fn(Value) -> serde_json::Result<()>>);

impl TypeVisitor for Readers {
    fn read_by_server<T: JsonSchema>(&mut self) {}

    fn written_by_server<T: JsonSchema + DeserializeOwned>(&mut self) {
        let read = |value| serde_json::from_value::<T>(value).map(drop);
        self.0.insert(T::schema_name().into_owned(), read);
    }
}

#[test]
fn rust_reads_what_the_oldest_server_writes() {
    let mut readers = Readers::default();
    visit_types(&mut readers);
    let messages = oldest();
    assert!(messages.len() > 60, "there are {}", messages.len());
    for (name, part, value) in messages {
        let method = METHODS.iter().find(|method| method.name == name).unwrap();
        let of = if part == "params" {
            method.params
        } else {
            method.result.unwrap()
        };
        let read = readers.0[of](value.clone());
        assert!(read.is_ok(), "{name}: {of} does not read {value}");
    }
}

#[expect(clippy::disallowed_methods, reason = "the compiler wants a file")]
fn check(compiler: &Path, text: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let generated = folder.path().join("generated");
    std::fs::create_dir(&generated).unwrap();
    let sources = root().join("clients/typescript/src/generated");
    for entry in std::fs::read_dir(sources).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, generated.join(path.file_name().unwrap())).unwrap();
    }
    // In the package it is a class that hides its value; for the types this suffices.
    let secret = "export declare class Secret { expose(): string; }\n";
    std::fs::write(folder.path().join("secret.ts"), secret).unwrap();
    std::fs::write(folder.path().join("package.json"), "{\"type\": \"module\"}").unwrap();
    std::fs::write(folder.path().join("uses.ts"), text).unwrap();
    let mut command = Command::new(compiler);
    command.args([
        "--noEmit",
        "--strict",
        "--exactOptionalPropertyTypes",
        "--target",
        "es2022",
    ]);
    command.args([
        "--noUncheckedIndexedAccess",
        "--verbatimModuleSyntax",
        "--module",
        "nodenext",
    ]);
    command
        .args(["--types", "", "uses.ts"])
        .current_dir(folder.path())
        .output()
        .unwrap()
}
