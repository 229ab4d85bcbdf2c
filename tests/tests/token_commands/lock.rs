//! The kernel's lock with and without a command: the server starts no program, and says which holds.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::process::Command;
use std::time::Duration;

use byokey_app_server::config::TokenCommand;
use byokey_app_server::process::hardening;
use byokey_app_server::process::token_commands::TokenCommands;
use byokey_protocol::initialize::HardeningReport;
use byokey_tests::turns::{backend, turn};
use byokey_tests::{Host, Setup, byokey, tools};
use serde_json::{Value, json};

use crate::helper::{Helper, provider};

async fn report(setup: Setup) -> Value {
    let mut server = setup.start();
    let mut host = Host::new(&mut server);
    let mut answer = host.introduce("test-host", json!({})).await;
    answer["hardening"].take()
}

#[tokio::test]
async fn the_report_says_whether_commands_are_run() {
    let backend = backend();
    let helper = Helper::printing("made-up-token");
    let with = report(helper.setup(&backend, "")).await;
    assert_eq!(with["tokenCommands"], true);
    let without = report(provider(&backend, &[])).await;
    assert_eq!(without.get("tokenCommands"), None);
    for member in ["dumpable", "coreLimit", "noNewPrivileges", "filesReadOnly"] {
        assert_eq!(with[member], without[member], "{member}");
    }
    assert_eq!(
        with["filesReadOnly"], true,
        "the server itself stays locked"
    );
}

/// Starts the server under `strace`, makes a turn, and returns the calls that start programs: the
/// process and the rest of the line, in order.
async fn starts_of(setup: Setup, has_token: bool) -> Vec<(String, String)> {
    let trace = tempfile::NamedTempFile::new().unwrap();
    let path = trace.path().to_str().unwrap();
    let calls = "trace=execve,execveat,landlock_restrict_self,prctl";
    let setup = setup.wrapper(&["strace", "-f", "-e", calls, "-o", path]);
    let mut server = setup.start();
    let mut host = Host::initialized(&mut server).await;
    let status = turn(&mut host).await["status"].take();
    assert_eq!(status == "completed", has_token);
    host.close_input();
    assert_eq!(server.exit_code().await, Some(0));
    // The tracer writes its last lines at its own end.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    lines
        .map(|(pid, call)| (pid.to_owned(), call.trim().to_owned()))
        .collect()
}

#[tokio::test]
async fn only_the_process_beside_the_server_starts_programs() {
    if !tools::has("strace") {
        return;
    }
    let backend = backend();
    let is_start = |call: &str| call.starts_with("execve") && call.contains("= 0");
    let without = starts_of(provider(&backend, &[]), false).await;
    let started = without.iter().filter(|(_, call)| is_start(call));
    assert_eq!(started.count(), 1, "the server itself");

    let helper = Helper::printing("made-up-token");
    let calls = starts_of(helper.setup(&backend, ""), true).await;
    let server = &calls[0].0;
    let place = |words: &str| {
        let place = calls.iter().position(|(_, call)| call.contains(words));
        place.unwrap_or_else(|| panic!("no {words} in {calls:#?}"))
    };
    let runner = place("run-token-commands");
    let lock = place("landlock_restrict_self(");
    let privileges = place("PR_SET_NO_NEW_PRIVS");
    assert!(runner < lock && runner < privileges, "{calls:#?}");
    for at in [lock, privileges] {
        assert_eq!(&calls[at].0, server, "and nothing else is locked");
    }
    let of_server = calls
        .iter()
        .filter(|(pid, call)| pid == server && is_start(call));
    assert_eq!(of_server.count(), 1, "{calls:#?}");
    let started = calls.iter().filter(|(_, call)| is_start(call));
    assert!(started.count() > 2, "the command was started: {calls:#?}");
}

/// A process that is locked as the server is gets a token through the runner that was there before,
/// and can start nothing itself.
#[test]
fn a_locked_process_gets_tokens_and_starts_nothing() {
    let command = TokenCommand {
        provider: "mine".to_owned(),
        program: "echo".to_owned(),
        args: vec!["made-up-token".to_owned()],
        cwd: None,
        timeout: Duration::from_secs(5),
        refresh_interval: None,
    };
    let commands = BTreeMap::from([("mine".to_owned(), command.clone())]);
    let locked = std::thread::spawn(move || {
        let runner = TokenCommands::start_program(&byokey(), commands.clone()).unwrap();
        let report = hardening::forbid_file_changes(HardeningReport::default(), None);
        if !report.files_read_only {
            println!("SKIPPED: this kernel has no Landlock");
            return;
        }
        let started = Command::new("/bin/sh").arg("-c").arg("exit 0").status();
        assert_eq!(started.unwrap_err().kind(), ErrorKind::PermissionDenied);
        let late = TokenCommands::start_program(&byokey(), commands);
        assert_eq!(late.unwrap_err().kind(), ErrorKind::PermissionDenied);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let token = runner.run("mine", &command).await.unwrap();
            assert_eq!(token.expose(), "made-up-token");
            // Neither another provider nor another command for this one.
            let other = TokenCommand {
                args: vec!["other".to_owned()],
                ..command.clone()
            };
            assert!(runner.run("mine", &other).await.is_err());
            assert!(runner.run("other", &command).await.is_err());
        });
    });
    locked.join().unwrap();
}
