//! A whole session writes no file.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use byokey_dev_backend::{DevBackend, Options};
use byokey_tests::{Host, MadeUp, Setup, tools};
use serde_json::json;

/// System calls that change a file.
const CHANGES: &str = "creat,mkdir,mkdirat,mknod,mknodat,rename,renameat,renameat2,unlink,\
                       unlinkat,rmdir,link,linkat,symlink,symlinkat,truncate,ftruncate,chmod,\
                       fchmodat,memfd_create";

/// Returns every file below a folder, with its content.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
            found.insert(path, Vec::new());
        } else {
            let bytes = std::fs::read(&path).unwrap();
            found.insert(path, bytes);
        }
    }
    found
}

/// Logs in, makes calls, runs a turn, renews, logs out.
async fn session(backend: &DevBackend, host: &mut Host) {
    let (old, new) = (
        MadeUp::jwt("disk-old", 1_200),
        MadeUp::jwt("disk-new", 1_200),
    );
    host.login(&old.text, "ws-1").await;
    for method in [
        "model/list",
        "account/usage/read",
        "account/rateLimits/read",
    ] {
        host.request(method, json!({})).await.unwrap();
    }
    backend.reject_bearer(&old.text);
    let thread = host.request("thread/start", json!({})).await.unwrap();
    let input = json!([{"type": "text", "text": "Hello"}]);
    let params = json!({"threadId": thread["thread"]["id"], "input": input});
    host.request("turn/start", params).await.unwrap();
    let (id, _) = host.asked("account/chatgptAuthTokens/refresh").await;
    let answer = json!({"accessToken": new.text, "chatgptAccountId": "ws-1"});
    host.respond(&id, answer).await;
    let completed = host.notification("turn/completed").await;
    assert_eq!(completed["turn"]["status"], "completed");
    host.request("account/logout", json!({})).await.unwrap();
    let key = MadeUp::api_key("disk", 60).text;
    let params = json!({"type": "apiKey", "apiKey": key});
    host.request("account/login/start", params).await.unwrap();
    host.close_input();
}

#[tokio::test]
async fn a_session_changes_no_file() {
    if !tools::has("strace") {
        return;
    }
    let backend = DevBackend::start(Options::new()).unwrap();
    let trace = tempfile::NamedTempFile::new().unwrap();
    let path = trace.path().to_str().unwrap();
    let filter = format!("trace=open,openat,openat2,{CHANGES}");
    // Without the protection against changes, so that an attempt would show; the home would show
    // it, too.
    let mut server = Setup::default()
        .backend(&backend)
        .argument("--allow-file-changes")
        .wrapper(&["strace", "-f", "-e", &filter, "-o", path])
        .start();
    let before = contents(server.home.path());
    let mut host = Host::initialized(&mut server).await;
    session(&backend, &mut host).await;
    assert_eq!(server.exit_code().await, Some(0));

    assert_eq!(contents(server.home.path()), before);
    let calls = std::fs::read_to_string(path).unwrap();
    let opened: Vec<&str> = calls.lines().filter(|call| call.contains("open")).collect();
    assert!(
        opened.iter().any(|call| call.contains("config.toml")),
        "the trace shows files"
    );
    let writes = ["O_WRONLY", "O_RDWR", "O_CREAT"];
    let changes: Vec<&str> = calls
        .lines()
        .filter(|call| !call.contains("+++ ") && !call.contains("--- "))
        .filter(|call| !call.contains("open") || writes.iter().any(|flag| call.contains(flag)))
        .collect();
    assert!(changes.is_empty(), "{changes:#?}");
}

#[tokio::test]
async fn a_trace_of_the_traffic_is_the_one_file() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let mut server = Setup::default()
        .backend(&backend)
        .argument("--trace-protocol=trace.txt")
        .start();
    let mut before = contents(server.home.path());
    // It may exist already.
    before.remove(&server.home.path().join("trace.txt"));
    let mut host = Host::initialized(&mut server).await;
    session(&backend, &mut host).await;
    assert_eq!(server.exit_code().await, Some(0));

    let mut after = contents(server.home.path());
    let trace = after.remove(&server.home.path().join("trace.txt")).unwrap();
    assert_eq!(after, before);
    let trace = String::from_utf8(trace).unwrap();
    assert!(trace.contains("\"accessToken\":\"‹redacted 1200 bytes #"));
    assert!(trace.contains("\"method\":\"turn/completed\""));
    server.canaries.check_text("the trace", &trace);
}
