//! A server that is made to start a program, as code that took it over would: the kernel refuses,
//! with and without a token command.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use byokey_tests::turns::{backend, turn};
use byokey_tests::{Host, PATIENCE, Server, Setup, tools};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use serde_json::json;

use crate::helper::{Helper, provider};

/// A server that can be made to start a program: `tests/hardening/start_from_inside.py`.
struct Subject {
    server: Server,
    host: Host,
    folder: tempfile::TempDir,
}

impl Subject {
    async fn start(setup: Setup) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("hardening/start_from_inside.py");
        let result = folder.path().join("result");
        let words = [
            "python3",
            script.to_str().unwrap(),
            result.to_str().unwrap(),
        ];
        // Only root can trace a process that is not dumpable; the lock is the same.
        let setup = if geteuid().is_root() {
            setup
        } else {
            setup.argument("--allow-debug")
        };
        let mut server = setup.wrapper(&words).start();
        let host = Host::initialized(&mut server).await;
        Self {
            server,
            host,
            folder,
        }
    }

    fn result(&self) -> PathBuf {
        self.folder.path().join("result")
    }

    /// Returns what came of it in each thread; `None` if it cannot be tried here.
    async fn try_to_start(&self) -> Option<Vec<String>> {
        let tracer = i32::try_from(self.server.pid())
            .ok()
            .and_then(Pid::from_raw);
        kill_process(tracer.unwrap(), Signal::USR1).unwrap();
        let deadline = Instant::now() + PATIENCE;
        let text = loop {
            if let Ok(text) = std::fs::read_to_string(self.result()) {
                break text;
            }
            assert!(Instant::now() < deadline, "no result");
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        if text.starts_with("SKIPPED") {
            print!("{text}");
            return None;
        }
        let lines = text.lines().filter_map(|line| line.split_once(' '));
        Some(lines.map(|(_, outcome)| outcome.to_owned()).collect())
    }
}

#[tokio::test]
async fn a_server_that_is_made_to_start_a_program_is_refused() {
    if !tools::has("python3") {
        return;
    }
    let backend = backend();
    let mut subject = Subject::start(provider(&backend, &[])).await;
    assert_eq!(turn(&mut subject.host).await["status"], "failed");
    let Some(outcomes) = subject.try_to_start().await else {
        return;
    };
    println!("figure: {} threads", outcomes.len());
    assert!(!outcomes.is_empty());
    assert!(outcomes.iter().all(|it| it == "EACCES"), "{outcomes:?}");
    // It goes on.
    let read = subject.host.request("account/read", json!({})).await;
    assert_eq!(read.unwrap()["account"], json!(null));

    // Without the lock it would have started.
    let open = provider(&backend, &[]).argument("--allow-file-changes");
    let subject = Subject::start(open).await;
    assert_eq!(subject.try_to_start().await.unwrap(), ["started"]);
}

#[tokio::test]
async fn a_server_with_a_token_command_is_refused_and_still_gets_tokens() {
    if !tools::has("python3") {
        return;
    }
    let backend = backend();
    let helper = Helper::printing("made-up-token");
    let mut subject = Subject::start(helper.setup(&backend, "")).await;
    assert_eq!(turn(&mut subject.host).await["status"], "completed");
    let Some(outcomes) = subject.try_to_start().await else {
        return;
    };
    assert!(!outcomes.is_empty());
    assert!(outcomes.iter().all(|it| it == "EACCES"), "{outcomes:?}");
    backend.reject_bearer("made-up-token");
    helper.print("made-up-newer-token");
    assert_eq!(turn(&mut subject.host).await["status"], "completed");
    assert_eq!(helper.runs(), 2, "the process beside it starts the command");
}
