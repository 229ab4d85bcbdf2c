//! codex's options that hosts pass before and after `app-server`, and codex's settings that editors
//! pass to a thread: accepted, and reported if they have no effect.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::Stdio;

use byokey_tests::{Home, Host, PATIENCE, Setup, byokey};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

/// Starts the program with these arguments, runs the handshake, and returns its response and the
/// standard error.
async fn initialize(arguments: &[&str]) -> (Value, String) {
    let home = Home::new("");
    let mut child = Command::new(byokey())
        .args(arguments)
        .env_clear()
        .env("HOME", home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let client = json!({"clientInfo": {"name": "test", "version": "1"}});
    let request = json!({"id": 1, "method": "initialize", "params": client});
    let mut input = child.stdin.take().unwrap();
    input
        .write_all(format!("{request}\n").as_bytes())
        .await
        .unwrap();
    drop(input);
    let (mut answer, mut log) = (String::new(), String::new());
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let read = async {
        stdout.read_to_string(&mut answer).await.unwrap();
        stderr.read_to_string(&mut log).await.unwrap();
        child.wait().await.unwrap()
    };
    let status = tokio::time::timeout(PATIENCE, read).await.unwrap();
    assert!(status.success(), "{arguments:?}: {log}");
    let first = answer.lines().next().unwrap_or_default();
    (serde_json::from_str(first).unwrap(), log)
}

#[tokio::test]
async fn options_of_codex_are_taken_and_said_to_mean_nothing() {
    for (arguments, named) in [
        (vec!["-a", "never", "app-server"], "--ask-for-approval"),
        (vec!["-C", "/tmp", "app-server"], "--cd"),
        (
            vec!["-s", "read-only", "-m", "gpt-5", "app-server"],
            "--model, --sandbox",
        ),
        (
            vec!["-i", "a.png", "--image", "b.png", "app-server"],
            "--image",
        ),
        (
            vec!["--oss", "--full-auto", "app-server"],
            "--oss, --full-auto",
        ),
        (
            vec!["--dangerously-bypass-approvals-and-sandbox", "app-server"],
            "--dangerously-bypass-approvals-and-sandbox",
        ),
        (
            vec!["--add-dir", "/a", "--add-dir", "/b", "app-server"],
            "--add-dir",
        ),
        (
            vec!["--color", "never", "--search", "app-server"],
            "--search, --color",
        ),
        (
            vec!["--strict-config", "-c", "model=m", "app-server"],
            "--strict-config",
        ),
        (vec!["app-server", "--strict-config"], ""),
    ] {
        let (answer, log) = initialize(&arguments).await;
        assert!(answer["result"]["userAgent"].is_string(), "{arguments:?}");
        if !named.is_empty() {
            assert!(log.contains(&format!("{named}\n")), "{arguments:?}: {log}");
        }
        assert!(!log.contains("never") && !log.contains("/tmp"), "{log}");
    }
}

#[tokio::test]
async fn a_client_without_a_name_is_taken() {
    let mut server = Setup::default().start();
    let mut host = Host::new(&mut server);
    let answer = host.introduce("", json!({})).await;
    assert!(answer["userAgent"].is_string());
    host.request("account/read", json!({})).await.unwrap();
}

#[tokio::test]
async fn settings_of_a_thread_that_mean_nothing_are_ignored_with_a_warning() {
    let mut server = Setup::default().config("model = \"m\"").start();
    let mut host = Host::initialized(&mut server).await;
    let config = json!({
        "mcp_servers": {"idea": {"command": "/bin/true", "args": [], "env": {"KEY": "canary"}}},
        "model_reasoning_effort": "high",
        "approval_policy": "on-request",
        "sandbox_mode": "workspace-write",
        "of_the_client": {"canary": 1},
    });
    let started = host
        .request("thread/start", json!({"config": config}))
        .await;
    let started = started.unwrap();
    assert_eq!(started["reasoningEffort"], "high");
    assert_eq!(started["approvalPolicy"], "on-request");
    let warning = host.notification("warning").await;
    assert_eq!(warning["threadId"], started["thread"]["id"]);
    let message = warning["message"].as_str().unwrap();
    assert!(message.contains("`mcp_servers`, 1 more"), "{message}");
    assert!(!message.contains("canary") && !message.contains("of_the_client"));
}

#[tokio::test]
async fn settings_of_a_thread_that_would_send_it_elsewhere_are_refused() {
    let mut server = Setup::default().config("model = \"m\"").start();
    let mut host = Host::initialized(&mut server).await;
    for (name, value) in [
        ("model_provider", json!("another")),
        ("chatgpt_base_url", json!("https://example.com")),
        ("profile", json!("p")),
    ] {
        let config = json!({"config": {name: value}});
        let refused = host.request("thread/start", config).await.unwrap_err();
        assert_eq!((refused.code, refused.kind()), (-32600, "unsupported"));
        assert!(refused.message.contains(name), "{}", refused.message);
    }
}
