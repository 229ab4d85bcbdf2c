//! OpenAI's SDKs, unmodified, against the gateway.
//!
//! `tests/openai-sdks/setup.sh` installs them under `.cache/`; without one its test is skipped with
//! a message.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::Stdio;
use std::time::Duration;

use byokey_dev_backend::{DevBackend, Options, Route};
use byokey_tests::gateway::{Gateway, TOKEN};
use byokey_tests::tools::library;
use serde_json::{Value, json};
use tokio::process::Command;

/// Timeout of a driver, which starts an interpreter.
const PATIENCE: Duration = Duration::from_secs(90);

async fn works_unmodified(mut driver: Command) {
    let backend = DevBackend::start(Options::new()).unwrap();
    let gateway = Gateway::start(&backend, &[]).await;
    driver
        .env("OPENAI_BASE_URL", format!("{}/v1", gateway.url))
        .env("OPENAI_API_KEY", &gateway.bearer)
        .env("NO_PROXY", "127.0.0.1")
        .env("HOME", gateway.home.path())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, driver.output()).await;
    let output = output.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{text}");
    assert!(!said.contains(TOKEN) && !text.contains(TOKEN));
    let mut seen: Value = serde_json::from_str(said.trim()).unwrap();
    let chat = seen["chat"].take();
    assert!(
        chat.as_str().unwrap().contains("POST /v1/responses"),
        "{chat}"
    );
    let expected = json!({
        "whole": "You said: Hello",
        "status": "completed",
        "tokens": true,
        "streamed": "You said: Hello",
        "final": "You said: Hello",
        "models": true,
        "chat": null,
        "wrong": "gateway_key",
    });
    assert_eq!(seen, expected, "{text}");
    assert_eq!(backend.count(Route::Responses), 2);
}

#[tokio::test]
async fn python() {
    let Some(library) = library("openai-sdks", "python") else {
        return;
    };
    let mut driver = Command::new(library.installed.join("venv/bin/python3"));
    driver.arg(library.source.join("driver.py"));
    works_unmodified(driver).await;
}

#[tokio::test]
async fn node() {
    let Some(library) = library("openai-sdks", "node") else {
        return;
    };
    let mut driver = Command::new("node");
    driver
        .arg(library.source.join("driver.cjs"))
        .env("NODE_PATH", library.installed.join("node_modules"));
    works_unmodified(driver).await;
}
