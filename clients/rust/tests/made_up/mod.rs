//! Servers of a few lines of Python, for behaviour that no real server has.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use byokey_client::protocol::external_auth::{ExternalTokens, RefreshParams};
use byokey_client::{ByokeyClient, ByokeyError, ProviderError, SpawnOptions, tokens};
use byokey_tests::PATIENCE;
use byokey_tests::tools::has;

/// A fake token.
pub(crate) const TOKEN: &str = "made-up-token-of-the-rust-client";

/// The lines may use `ask()`, the next message of the client, and `send(message)`.
pub(crate) const BEGINNING: &str = r#"
import json, os, signal, sys, time
def ask():
    line = sys.stdin.readline()
    return json.loads(line) if line else sys.exit(0)
def send(**message):
    print(json.dumps(message), flush=True)
send(id=ask()["id"], result={
    "userAgent": "u", "codexHome": "h", "platformFamily": "unix", "platformOs": "linux",
    "serverInfo": {"name": "byokey", "version": "0", "protocolVersion": "1"},
    "hardening": {"dumpable": None, "coreLimit": None, "wipingAllocator": True,
                  "noNewPrivileges": None, "filesReadOnly": True}})
ask()
"#;

/// Supplies [`TOKEN`].
pub(crate) async fn supply(_: RefreshParams) -> Result<ExternalTokens, ProviderError> {
    Ok(tokens(TOKEN, "ws-1"))
}

/// Spawns Python with this program.
pub(crate) fn python(program: &str) -> SpawnOptions {
    SpawnOptions::new("rust-client-tests", "1", supply)
        .command("python3")
        .args(["-c", program])
}

/// Returns options for a fake server that runs these lines after the handshake.
pub(crate) fn options(lines: &[&str]) -> SpawnOptions {
    python(&format!("{BEGINNING}{}", lines.join("\n")))
}

/// Spawns a client of a fake server.
pub(crate) async fn spawn(lines: &[&str]) -> ByokeyClient {
    ByokeyClient::spawn(options(lines)).await.unwrap()
}

/// Runs a test on one thread with a timeout, if Python is installed.
pub(crate) fn run(test: impl Future<Output = ()>) {
    if !has("python3") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let in_time = async { tokio::time::timeout(2 * PATIENCE, test).await.unwrap() };
    runtime.unwrap().block_on(in_time);
}

/// Waits for the exit of a process that is not a child.
pub(crate) async fn gone(process: u32) {
    let stat = format!("/proc/{process}/stat");
    let dead = || std::fs::read_to_string(Path::new(&stat)).map_or(true, |it| it.contains(") Z "));
    while !dead() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Returns the error of a call that must fail.
pub(crate) fn error<T>(result: Result<T, ByokeyError>) -> ByokeyError {
    result.err().unwrap()
}
