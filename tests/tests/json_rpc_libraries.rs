//! JSON-RPC libraries that authors of hosts already use, unmodified and in both directions.
//!
//! `tests/json-rpc-libraries/setup.sh` installs them under `.cache/`; without one its test is
//! skipped with a message.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::process::Stdio;
use std::time::Duration;

use byokey_dev_backend::{DevBackend, Options, Route, TestToken};
use byokey_tests::tools::{Library, library};
use byokey_tests::{Home, Overheard, Setup};
use serde_json::{Value, json};
use tokio::process::Command;

/// Timeout of a driver. The Java one starts a virtual machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A library and its driver.
struct Driven {
    name: &'static str,
    library: Library,
}

impl Driven {
    fn find(name: &'static str) -> Option<Self> {
        let library = library("json-rpc-libraries", name)?;
        Some(Self { name, library })
    }

    /// Runs the driver through the whole scenario and checks what it saw.
    async fn works_unmodified(&self, mut driver: Command) {
        let backend = DevBackend::start(Options::new()).unwrap();
        let (old, new) = (
            TestToken::new("ada").encode(),
            TestToken::new("bea").encode(),
        );
        backend.reject_bearer(&old);
        let held = backend.hold(Route::Profile);
        let overheard = Overheard::with_secrets([old.as_str(), &new]);
        let home = Home::new(Setup::default().backend(&backend).settings());
        driver
            .env("BYOKEY", overheard.program())
            .env("HOME", home.path())
            .env_remove("CODEX_HOME")
            .env("OLD_TOKEN", &old)
            .env("NEW_TOKEN", &new)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = tokio::time::timeout(PATIENCE, driver.output()).await;
        let output = output.expect("the driver ends in time").expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}{text}", self.name);
        overheard.check(&format!("{said}{text}"));
        let mut seen: Value = serde_json::from_str(said.trim()).expect("a line of JSON");
        let words = seen["said"].take();
        assert!(words.as_str().unwrap().contains("Hello"), "{words}");
        assert_eq!(seen["usedPercent"].take().as_f64(), Some(42.0));
        let expected = json!({
            "account": "ada@example.com",
            "notified": ["account/login/completed", "account/updated"],
            "asked": [{"reason": "unauthorized", "previousAccountId": "ws-1"}],
            "usedPercent": null,
            "unknownMethod": -32601,
            "cancelled": -32800,
            "turn": "completed",
            "said": null,
            "exitCode": 0,
        });
        assert_eq!(seen, expected, "{}: {text}", self.name);
        let calls = backend.requests_to(Route::Usage);
        let bearers: Vec<_> = calls.iter().filter_map(|call| call.bearer()).collect();
        assert_eq!(bearers, [old.as_str(), new.as_str()]);
        drop(held);
    }

    /// Returns the driver of a library for Node.
    fn node_driver(&self) -> Command {
        let mut driver = Command::new("node");
        driver
            .arg(self.library.source.join("driver.cjs"))
            .env("NODE_PATH", self.library.installed.join("node_modules"));
        driver
    }
}

#[tokio::test]
async fn vscode_jsonrpc() {
    let Some(driven) = Driven::find("vscode-jsonrpc") else {
        return;
    };
    let driver = driven.node_driver();
    driven.works_unmodified(driver).await;
}

#[tokio::test]
async fn json_rpc_2_0() {
    let Some(driven) = Driven::find("json-rpc-2.0") else {
        return;
    };
    let driver = driven.node_driver();
    driven.works_unmodified(driver).await;
}

#[tokio::test]
async fn python_lsp_jsonrpc() {
    let Some(driven) = Driven::find("python-lsp-jsonrpc") else {
        return;
    };
    let mut driver = Command::new(driven.library.installed.join("venv/bin/python3"));
    driver.arg(driven.library.source.join("driver.py"));
    driven.works_unmodified(driver).await;
}

#[tokio::test]
async fn lsp4j() {
    let Some(driven) = Driven::find("lsp4j") else {
        return;
    };
    let class_path = format!(
        "{}:{}/*",
        driven.library.installed.join("classes").display(),
        driven.library.installed.join("lib").display()
    );
    let mut driver = Command::new("java");
    driver.args(["-cp", &class_path, "driver.Driver"]);
    driven.works_unmodified(driver).await;
}
