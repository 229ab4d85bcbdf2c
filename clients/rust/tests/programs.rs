//! What errors say of the program, and what a token command writes to standard error.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed, and it writes a program"
)]

#[expect(dead_code, reason = "other tests need the rest of it")]
mod made_up;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use byokey_client::{ByokeyClient, ByokeyError, SpawnOptions, command_tokens};
use made_up::{TOKEN, error, options, run};
use serde_json::json;

/// Writes a program that does not know its arguments.
fn stranger(folder: &Path, version: &str) -> PathBuf {
    let path = folder.join("byokey");
    let script = format!(
        "#!/bin/sh\ncase \"$1\" in --version) echo \"{version}\" ;; \
         *) echo \"error: unrecognized subcommand '$1'\" >&2; exit 2 ;; esac\n"
    );
    // Renamed, so that no other thread's child holds it open for writing.
    let written = folder.join("written");
    std::fs::write(&written, script).unwrap();
    std::fs::set_permissions(&written, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::rename(written, &path).unwrap();
    path
}

async fn failure(program: &Path, argument: &str) -> ByokeyError {
    let options = SpawnOptions::server_owns_login("rust-client-tests", "1");
    let options = options.command(program).args([argument]);
    error(ByokeyClient::spawn(options).await)
}

#[test]
fn another_program_is_recognised_and_named() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let program = stranger(folder.path(), "byokey 1.4.2");
        let failed = failure(&program, "app-server").await;
        assert!(matches!(failed, ByokeyError::ServerNotFound { .. }));
        let named = format!(
            "byokey is another program, which calls itself \"byokey 1.4.2\" (`{} app-server`)",
            program.display()
        );
        assert!(failed.to_string().starts_with(&named), "{failed}");
        let log = ["error: unrecognized subcommand 'app-server'"];
        assert_eq!(failed.launched().unwrap().last_log, log);
    });
}

#[test]
fn our_own_program_is_not_another_one() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let program = stranger(folder.path(), "codex-cli 0.169.0 (byokey 0.1.0)");
        let failed = failure(&program, "app-servr").await;
        assert!(matches!(failed, ByokeyError::ConnectionClosed { .. }));
        let said = "unrecognized subcommand 'app-servr'";
        assert!(failed.to_string().contains(said), "{failed}");
    });
}

#[test]
fn an_end_says_which_program_it_was_and_what_it_wrote_last_without_secrets() {
    run(async {
        let last = format!("print('bearer {TOKEN} was refused', file=sys.stderr, flush=True)");
        let client = ByokeyClient::spawn(options(&[
            "for n in range(30): print('line', n, file=sys.stderr)",
            &last,
            "ask(); sys.exit(3)",
        ]));
        let client = client.await.unwrap();
        let failed = error(client.request_value("end", json!({})).await);
        let launched = failed.launched().unwrap();
        assert_eq!(launched.command, "python3");
        assert_eq!(launched.last_log.len(), 10);
        let text = failed.to_string();
        assert!(
            text.ends_with("\n  line 29\n  bearer [redacted] was refused"),
            "{text}"
        );
        assert!(!format!("{failed:?}").contains(TOKEN));
    });
}

#[test]
fn a_start_that_takes_too_long_says_the_same() {
    run(async {
        let script = "echo waiting for a network >&2; exec sleep 60";
        let options = SpawnOptions::server_owns_login("rust-client-tests", "1")
            .command("/bin/sh")
            .args(["-c", script])
            .start_timeout(Duration::from_millis(1_500));
        let failed = error(ByokeyClient::spawn(options).await);
        assert!(matches!(failed, ByokeyError::StartTimeout { .. }));
        assert!(failed.to_string().contains("(`/bin/sh -c"), "{failed}");
        assert_eq!(
            failed.launched().unwrap().last_log,
            ["waiting for a network"]
        );
    });
}

#[test]
fn a_token_command_writes_to_the_log_of_the_client_that_asks() {
    run(async {
        let script = format!("echo 'run my-login; it was {TOKEN}' >&2; exit 3");
        let helper = || command_tokens("sh", ["-c", script.as_str()]);
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&log);
        let program = format!(
            "{}send(id='r', method='account/chatgptAuthTokens/refresh', \
             params={{'reason': 'unauthorized'}})\nsend(method='saw', params=ask()); ask()",
            made_up::BEGINNING
        );
        let options = SpawnOptions::new("rust-client-tests", "1", helper())
            .command("python3")
            .args(["-c", program.as_str()])
            .on_log(move |line| lines.lock().unwrap().push(line));
        let client = ByokeyClient::spawn(options).await.unwrap();
        let refused = client.events().next().await.unwrap();
        assert!(!refused.params().to_string().contains("my-login"));
        let expected = ["[token command] run my-login; it was [redacted]"];
        assert_eq!(*log.lock().unwrap(), expected);
        client.close().await;

        let own = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&own);
        let helper = helper().on_log(move |line| lines.lock().unwrap().push(line));
        let failed = error(helper.ask().await);
        assert!(!failed.to_string().contains("my-login"), "{failed}");
        assert_eq!(*own.lock().unwrap(), expected);
    });
}
