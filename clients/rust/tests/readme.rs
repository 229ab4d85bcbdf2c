//! The README's examples, executed verbatim.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed, and it plays the user"
)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use byokey_dev_backend::{DevBackend, Options, TestToken};
use byokey_tests::{Overheard, byokey, cargo};

const HEADINGS: [&str; 11] = [
    "Install",
    "Quick start",
    "Methods",
    "Supervision",
    "Account",
    "Events",
    "Token providers",
    "Errors",
    "Closing",
    "Packaging",
    "Versions",
];

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    std::fs::read_to_string(path).unwrap()
}

/// Returns an example, with the arguments for a backend after its own.
fn example(name: &str) -> Command {
    let mut command = cargo();
    let package = ["--package", "byokey-client"];
    command.args(["run", "--quiet", "--locked", "--example", name]);
    command.args(package).arg("--").env_remove("BYOKEY_BIN");
    command
}

fn against(backend: &DevBackend, mut example: Command) -> Output {
    let url = backend.base_url();
    example
        .args(["-c", &format!("chatgpt_base_url={url}/backend-api")])
        .args(["-c", &format!("openai_base_url={url}/v1")])
        .output()
        .unwrap()
}

#[test]
fn the_headings_are_those_of_every_client() {
    let readme = read("README.md");
    let headings: Vec<_> = readme
        .lines()
        .filter_map(|it| it.strip_prefix("## "))
        .collect();
    assert_eq!(headings, HEADINGS);
}

/// Removes the lines and the indentation of a surrounding function.
fn bare(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|it| !it.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_example_of_the_readme_is_one_that_runs() {
    let examples = ["quick_start", "supervised", "tour"];
    let examples = examples.map(|it| read(&format!("examples/{it}.rs")));
    let examples = bare(&examples.concat());
    let readme = read("README.md");
    let blocks = readme.split("```rust\n").skip(1);
    let blocks: Vec<_> = blocks.filter_map(|it| it.split("```").next()).collect();
    assert_eq!(blocks.len(), 8);
    for block in blocks {
        assert!(examples.contains(&bare(block)), "{block}");
    }
}

#[test]
fn the_quick_start_prints_the_account() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let mut example = example("quick_start");
    let overheard = Overheard::start();
    example.env("BYOKEY_BIN", overheard.program());
    let done = against(&backend, example);
    let printed = String::from_utf8(done.stdout).unwrap();
    let complaint = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success(), "{complaint}");
    let (account, limits) = printed.trim().split_once('\n').unwrap();
    assert_eq!(
        account,
        r#"Some(Chatgpt { email: Some("ada@example.test"), plan_type: Unknown })"#
    );
    assert!(limits.starts_with("Some(RateLimitWindow { used_percent: "));
    overheard.check(&format!("{printed}{complaint}"));
}

#[test]
fn a_program_is_found_on_the_search_path_or_named_as_missing() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(byokey(), folder.path().join("byokey")).unwrap();
    let path = std::env::var("PATH").unwrap();
    let mut found = example("quick_start");
    found.env("PATH", format!("{}:{path}", folder.path().display()));
    assert!(against(&backend, found).status.success());

    let mut missing = example("quick_start");
    missing.env("BYOKEY_BIN", "/not/there");
    let missing = against(&backend, missing);
    assert!(!missing.status.success());
    let complaint = String::from_utf8(missing.stderr).unwrap();
    assert!(complaint.contains("BYOKEY_BIN (/not/there)"), "{complaint}");
}

#[test]
fn the_other_examples_run() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let helper = folder.path().join("my-login-helper");
    let token = TestToken::new("tour").encode();
    let answer = format!(r#"{{"accessToken": "{token}", "chatgptAccountId": "ws-1"}}"#);
    std::fs::write(&helper, format!("#!/bin/sh\necho '{answer}'\n")).unwrap();
    std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let overheard = Overheard::start();
    let mut tour = example("tour");
    tour.env("PATH", format!("{}:{path}", folder.path().display()))
        .env("BYOKEY_BIN", overheard.program());
    let done = against(&backend, tour);
    let complaint = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success(), "{complaint}");
    let printed = String::from_utf8(done.stdout).unwrap();
    assert!(printed.starts_with("signed in: Chatgpt"), "{printed}");
    assert!(printed.contains("\nsigned in, plan "), "{printed}");
    assert!(
        printed.ends_with("please sign in: Some(\"authRequired\")\n"),
        "{printed}"
    );
    overheard.check(&format!("{printed}{complaint}"));
}
