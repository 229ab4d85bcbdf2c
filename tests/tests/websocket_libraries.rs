//! The WebSocket protocol against third-party libraries.
//!
//! `tests/websocket-libraries/setup.sh` installs them under `.cache/`; without one its test is
//! skipped with a message.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::process::Stdio;
use std::time::Duration;

use byokey_tests::tools::{Library, library};
use byokey_tests::{Listening, Setup};
use serde_json::{Value, json};
use tokio::process::Command;

/// Timeout of a client for all of its cases.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs a client against a port of the program; it must pass this many cases.
async fn agrees(mut client: Command, cases: u32) {
    let listening = Listening::websocket(Setup::default()).await;
    client
        .env("WS_URL", listening.place())
        .env("WS_TOKEN", listening.token().await)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, client.output()).await;
    let output = output.expect("the client ends in time").expect("it starts");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    let found: Value = serde_json::from_slice(&output.stdout).expect("a line of JSON");
    assert_eq!(found, json!({"cases": cases, "wrong": []}), "{text}");
    // Other clients are not affected.
    let mut host = listening.host().await;
    host.request("account/read", json!({})).await.unwrap();
}

// Row: the WebSocket protocol
#[tokio::test]
async fn websockets() {
    let Some(Library { source, installed }) = library("websocket-libraries", "websockets") else {
        return;
    };
    let mut client = Command::new(installed.join("venv/bin/python3"));
    client.arg(source.join("driver.py"));
    agrees(client, 226).await;
}

// Row: the WebSocket protocol
#[tokio::test]
async fn ws() {
    let Some(Library { source, installed }) = library("websocket-libraries", "ws") else {
        return;
    };
    let mut client = Command::new("node");
    client
        .arg(source.join("driver.cjs"))
        .env("NODE_PATH", installed.join("node_modules"));
    agrees(client, 22).await;
}
