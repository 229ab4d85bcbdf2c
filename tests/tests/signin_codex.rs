//! The real codex reads the file that we wrote, and we read the one that it wrote.
//!
//! Without codex these tests say that they are skipped.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::path::Path;
use std::process::Stdio;

use byokey_tests::command::{auth_json, run};
use byokey_tests::issuer::Issuer;
use byokey_tests::{Home, PATIENCE};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Runs codex in that home. Returns its exit code and all that it said; nothing if there is none.
async fn codex(home: &Path, arguments: &[&str], input: &str) -> Option<(Option<i32>, String)> {
    let mut child = Command::new(byokey_tests::codex::program()?)
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("CODEX_HOME", home.join(".codex"))
        // Whatever it wants from the network, it does not get.
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .env("HTTP_PROXY", "http://127.0.0.1:9")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("codex starts");
    let mut stdin = child.stdin.take().unwrap();
    drop(stdin.write_all(input.as_bytes()).await);
    drop(stdin);
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
    let output = output.expect("codex ends in time").unwrap();
    let said = [output.stdout, output.stderr].concat();
    Some((
        output.status.code(),
        String::from_utf8_lossy(&said).into_owned(),
    ))
}

#[tokio::test]
async fn codex_reads_what_we_wrote_and_leaves_it_as_it_is() {
    let home = Home::new("");
    let issuer = Issuer::start().await;
    let (url, folder) = (issuer.url(), home.codex_home());
    let environment = [
        ("CODEX_APP_SERVER_LOGIN_ISSUER", url.as_str()),
        ("BYOKEY_HOME", folder.to_str().unwrap()),
        ("BYOKEY_STORE", "file"),
    ];
    let ended = run(&home, &["login", "--device-auth"], &environment, "").await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let before = auth_json(&folder).unwrap();
    let Some((code, said)) = codex(home.path(), &["login", "status"], "").await else {
        return;
    };
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("Logged in using ChatGPT"), "{said}");
    assert_eq!(auth_json(&folder).unwrap(), before);

    run(
        &home,
        &["login", "--with-api-key"],
        &environment,
        "sk-made-up-key-of-ours",
    )
    .await;
    let (code, said) = codex(home.path(), &["login", "status"], "").await.unwrap();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("API key"), "{said}");
}

#[tokio::test]
async fn we_read_what_codex_wrote_and_leave_it_as_it_is() {
    let home = Home::new("");
    let login = ["login", "--with-api-key"];
    let Some((code, said)) = codex(home.path(), &login, "sk-made-up-key-of-codex").await else {
        return;
    };
    assert_eq!(code, Some(0), "{said}");
    let folder = home.codex_home();
    let before = auth_json(&folder).unwrap();
    let environment = [
        ("BYOKEY_HOME", folder.to_str().unwrap()),
        ("BYOKEY_STORE", "file"),
    ];
    let status = run(&home, &["status", "--json"], &environment, "").await;
    assert_eq!(status.code, Some(0), "{}", status.stderr);
    let report: Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(report["mode"], "apikey");
    assert_eq!(auth_json(&folder).unwrap(), before);
}
