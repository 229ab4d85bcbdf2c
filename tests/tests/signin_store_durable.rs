//! A stored login survives a crash of the machine: the order of the system calls that write and
//! remove it, seen from outside.

#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use byokey_tests::{Home, Host, Setup, byokey, tools};
use serde_json::json;

/// System calls that write, name or remove a file. Some systems lack those with a question mark.
const CALLS: &str = "trace=?open,openat,write,fsync,fdatasync,?rename,?renameat,renameat2,?unlink,\
                     unlinkat";

/// Options of strace, before the file that it writes.
const STRACE: [&str; 7] = ["strace", "-f", "-s", "0", "-e", CALLS, "-o"];

/// Returns the calls of a trace by their ends, each on one line without the process id.
fn complete(trace: &str) -> Vec<String> {
    let (mut begun, mut calls) = (BTreeMap::new(), Vec::new());
    for line in trace.lines() {
        let Some((thread, call)) = line.split_once(' ') else {
            continue;
        };
        if let Some((begin, _)) = call.split_once(" <unfinished ...>") {
            begun.insert(thread, begin);
        } else if let Some((_, end)) = call.split_once(" resumed>") {
            calls.push(format!("{}{end}", begun.remove(thread).unwrap_or_default()));
        } else {
            calls.push(call.to_owned());
        }
    }
    calls
}

/// Returns what successful calls of a trace did with files in this folder.
fn steps(trace: &str, folder: &Path) -> Vec<String> {
    let name = |path: &str| {
        let name = Path::new(path).strip_prefix(folder).ok()?.to_str()?;
        Some(match name {
            "" => "the folder".to_owned(),
            new if new.starts_with(".auth.json.") => "the new file".to_owned(),
            name => name.to_owned(),
        })
    };
    let (mut open, mut steps) = (BTreeMap::<String, String>::new(), Vec::new());
    for call in complete(trace) {
        let Some((call, result)) = call.trim().rsplit_once(" = ") else {
            continue;
        };
        let Some((what, arguments)) = call.split_once('(') else {
            continue;
        };
        if result.starts_with('-') {
            continue;
        }
        let paths: Vec<_> = arguments.split('"').skip(1).step_by(2).map(name).collect();
        let descriptor = arguments.split([',', ')']).next().unwrap_or_default();
        let file = open.get(descriptor).cloned();
        match (what, paths.as_slice(), file) {
            ("open" | "openat", [path], _) => {
                // A number may have belonged to another file.
                open.remove(result);
                open.extend(path.clone().map(|path| (result.to_owned(), path)));
            }
            ("write", _, Some(file)) => steps.push(format!("write {file}")),
            ("fsync" | "fdatasync", _, Some(file)) => steps.push(format!("sync {file}")),
            ("unlink" | "unlinkat", [Some(path)], _) => steps.push(format!("remove {path}")),
            (rename, [Some(from), Some(to)], _) if rename.starts_with("rename") => {
                steps.push(format!("rename {from} to {to}"));
            }
            _ => {}
        }
    }
    steps
}

/// Expects these steps, one directly after the other.
fn expect(steps: &[String], expected: &[&str]) {
    let found = steps.windows(expected.len()).any(|some| some == expected);
    assert!(found, "no {expected:?} in {steps:#?}");
}

const WRITTEN: [&str; 4] = [
    "write the new file",
    "sync the new file",
    "rename the new file to auth.json",
    "sync the folder",
];
const REMOVED: [&str; 2] = ["remove auth.json", "sync the folder"];

#[test]
fn login_and_logout_leave_nothing_to_a_crash() {
    if !tools::has("strace") {
        return;
    }
    let (home, folder) = (Home::new(""), tempfile::tempdir().unwrap());
    let traced = |arguments: &[&str], input: &str| {
        let trace = tempfile::NamedTempFile::new().unwrap();
        let mut command = Command::new(STRACE[0]);
        command
            .args(&STRACE[1..])
            .args([trace.path(), &byokey()])
            .args(arguments)
            .env_clear()
            .env("HOME", home.path())
            .env("BYOKEY_HOME", folder.path())
            .env("BYOKEY_STORE", "file")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        let ended = child.wait_with_output().unwrap();
        let log = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{log}");
        let trace = std::fs::read_to_string(trace.path()).unwrap();
        steps(&trace, folder.path())
    };
    expect(
        &traced(&["login", "--with-api-key"], "sk-made-up"),
        &WRITTEN,
    );
    expect(&traced(&["logout"], ""), &REMOVED);
}

#[tokio::test]
async fn the_server_leaves_nothing_to_a_crash() {
    if !tools::has("strace") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let trace = tempfile::NamedTempFile::new().unwrap();
    let strace = [&STRACE[..], &[trace.path().to_str().unwrap()]].concat();
    let setup = Setup::default()
        .wrapper(&strace)
        .argument("--store")
        .argument("file")
        .environment("BYOKEY_HOME", folder.path().to_str().unwrap());
    let mut server = setup.start();
    let mut host = Host::initialized(&mut server).await;
    let key = json!({"type": "apiKey", "apiKey": "sk-made-up"});
    host.request("account/login/start", key).await.unwrap();
    host.request("account/logout", json!({})).await.unwrap();
    host.close_input();
    assert_eq!(server.exit_code().await, Some(0));
    let trace = std::fs::read_to_string(trace.path()).unwrap();
    let steps = steps(&trace, folder.path());
    expect(&steps, &WRITTEN);
    expect(&steps, &REMOVED);
}
