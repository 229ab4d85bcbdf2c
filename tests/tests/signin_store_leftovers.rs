//! Leftovers in a store of a program that was killed while writing.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed, and it plays other processes"
)]

use std::fs;
use std::path::{Path, PathBuf};

use byokey_tests::command::{command, run};
use byokey_tests::shared_store::SharedStore;
use byokey_tests::{Home, PATIENCE};
use serde_json::json;

/// Names of leftovers of a killed write, and similar names.
fn leave(folder: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let stale = [".auth.json.0123456789abcdef0123456789abcdef"];
    let other = [
        ".auth.json.backup",
        "auth.json.0123456789abcdef0123456789abcdef",
        ".auth.json.0123456789abcdef0123456789abcdeg",
    ];
    let make = |names: &[&str]| -> Vec<PathBuf> {
        let paths = names.iter().map(|name| folder.join(name));
        paths
            .inspect(|path| fs::write(path, "rt-made-up").unwrap())
            .collect()
    };
    (make(&stale), make(&other))
}

#[tokio::test]
async fn what_a_killed_write_left_is_swept_at_the_start_at_a_login_and_at_a_logout() {
    let shared = SharedStore::new().await;
    let gone = |paths: &[PathBuf]| paths.iter().all(|path| !path.exists());
    let there = |paths: &[PathBuf]| paths.iter().all(|path| path.exists());
    let (stale, other) = leave(shared.folder.path());
    let (_server, mut host) = shared.start().await;
    host.request("account/read", json!({})).await.unwrap();
    assert!(gone(&stale) && there(&other), "the start");

    leave(shared.folder.path());
    let key = json!({"type": "apiKey", "apiKey": "sk-made-up"});
    host.request("account/login/start", key).await.unwrap();
    assert!(gone(&stale) && there(&other), "the login");

    leave(shared.folder.path());
    host.request("account/logout", json!({})).await.unwrap();
    assert!(gone(&stale) && there(&other), "the logout");
    assert!(!shared.file().exists());
}

/// The process that is writing a file holds the lock, so it is not swept.
#[tokio::test]
async fn a_write_under_way_is_not_swept() {
    let shared = SharedStore::new().await;
    let (stale, _) = leave(shared.folder.path());
    let lock = fs::File::create(shared.folder.path().join("auth.lock")).unwrap();
    lock.lock().unwrap();
    let (_server, mut host) = shared.start().await;
    host.request("account/read", json!({})).await.unwrap();
    assert!(stale.iter().all(|path| path.exists()));
}

/// Whether the program is killed before, during or after a write, the file is valid.
#[tokio::test]
async fn a_program_that_is_killed_leaves_a_file_that_can_be_read() {
    let shared = SharedStore::new().await;
    let home = Home::new("");
    let folder = shared.folder.path().to_str().unwrap().to_owned();
    let environment = [("BYOKEY_HOME", &*folder), ("BYOKEY_STORE", "file")];
    let arguments = ["login", "--with-api-key"];
    let begun = std::time::Instant::now();
    let first = run(&home, &arguments, &environment, "sk-made-up-0").await;
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let whole = begun.elapsed();
    let mut killed = 0;
    for round in 1..=40_u32 {
        let mut login = command(&home, &arguments, &environment);
        let mut child = login.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let key = format!("sk-made-up-{round}");
        // It may have exited already.
        drop(tokio::io::AsyncWriteExt::write_all(&mut stdin, key.as_bytes()).await);
        drop(stdin);
        tokio::time::sleep(whole * (round % 20) / 16).await;
        drop(child.start_kill());
        let ended = tokio::time::timeout(PATIENCE, child.wait()).await;
        if ended.unwrap().unwrap().code().is_none() {
            killed += 1;
        }
        let key = shared.kept()["OPENAI_API_KEY"].as_str().map(str::to_owned);
        assert!(
            key.is_some_and(|key| key.starts_with("sk-made-up-")),
            "round {round}"
        );
    }
    println!("killed {killed} of 40");
    run(&home, &arguments, &environment, "sk-made-up-last").await;
    let left = fs::read_dir(shared.folder.path()).unwrap().flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert_eq!(left.len(), 2, "the login and the lock: {left:?}");
}
