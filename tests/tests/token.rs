//! `byokey token`: what programs get that ask a command for the token in force, and when it is
//! refused.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::{SystemTime, UNIX_EPOCH};

use byokey_dev_backend::TestToken;
use byokey_dev_backend::issuer::answers;
use byokey_tests::command::{Ended, command};
use byokey_tests::issuer::{Ask, Issuer, access_token, person};
use byokey_tests::shared_store::SharedStore;
use byokey_tests::{Home, Host, Listening, PATIENCE, Setup};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};

/// Runs `byokey token` with this folder as ours. Its output may hold secrets.
async fn token(shared: &SharedStore, arguments: &[&str]) -> Ended {
    let home = Home::new("");
    let (issuer, folder) = (shared.issuer.url(), shared.folder.path().to_str().unwrap());
    let environment = [
        ("CODEX_APP_SERVER_LOGIN_ISSUER", issuer.as_str()),
        ("BYOKEY_HOME", folder),
        ("RUST_LOG", "trace"),
    ];
    let mut command = command(&home, &[&["token"], arguments].concat(), &environment);
    let output = tokio::time::timeout(PATIENCE, command.stdin(Stdio::null()).output());
    let output = output.await.unwrap().unwrap();
    let ended = Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    for secret in [ended.stdout.trim(), "rt-made-up", "sk-made-up"] {
        assert!(
            secret.is_empty() || !ended.stderr.contains(secret),
            "{}",
            ended.stderr
        );
    }
    ended
}

const FILE: [&str; 2] = ["--store", "file"];

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// Returns an access token with that many seconds left.
fn expiring(left: i64) -> String {
    // Building the program may take longer than that.
    byokey_tests::byokey();
    let owner = TestToken {
        expires_at: now().checked_add_signed(left).unwrap(),
        ..person()
    };
    answers::access_token(&owner, 90)
}

// Row: the token for other programs
#[tokio::test]
async fn the_token_is_all_of_the_output() {
    let shared = SharedStore::new().await;
    shared.keep(&access_token(90), "rt-made-up-0");
    let plain = token(&shared, &FILE).await;
    assert_eq!(plain.code, Some(0), "{}", plain.stderr);
    assert_eq!(plain.stdout, format!("{}\n", access_token(90)));
    let json = token(&shared, &["--store", "file", "--json"]).await;
    let output: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(
        output,
        json!({
            "version": 1, "token": access_token(90), "kind": "chatgpt",
            "accountId": person().account, "expiresAt": "2100-01-01T00:00:00Z",
        })
    );
    assert!(json.stdout.ends_with("}\n") && json.stdout.lines().count() == 1);
    assert!(shared.issuer.asked(Ask::Refresh).is_empty());
}

// Row: the token for other programs
#[tokio::test]
async fn keys_and_personal_tokens_have_no_expiry() {
    for (content, secret, kind) in [
        (
            json!({"auth_mode": "apikey", "OPENAI_API_KEY": "sk-made-up-key"}),
            "sk-made-up-key",
            "apikey",
        ),
        (
            json!({"OPENAI_API_KEY": null, "personal_access_token": "at-made-up-token"}),
            "at-made-up-token",
            "personalAccessToken",
        ),
    ] {
        let shared = SharedStore::new().await;
        shared.write(content.to_string().as_bytes());
        let ended = token(&shared, &["--store", "file", "--json"]).await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let output: Value = serde_json::from_str(&ended.stdout).unwrap();
        let expected = json!({
            "version": 1, "token": secret, "kind": kind, "accountId": null, "expiresAt": null,
        });
        assert_eq!(output, expected);
    }
}

// Row: the token for other programs
#[tokio::test]
async fn a_token_with_little_time_left_is_renewed_first() {
    for (left, is_renewed) in [(400, false), (250, true), (-5, true)] {
        let shared = SharedStore::new().await;
        shared.keep(&expiring(left), "rt-made-up-0");
        let ended = token(&shared, &FILE).await;
        assert_eq!(ended.code, Some(0), "{left}: {}", ended.stderr);
        let asked = shared.issuer.asked(Ask::Refresh).len();
        assert_eq!(asked, usize::from(is_renewed), "{left}");
        if is_renewed {
            assert_eq!(ended.stdout.trim(), access_token(1));
            assert_eq!(shared.kept()["tokens"]["access_token"], access_token(1));
        } else {
            assert_ne!(ended.stdout.trim(), access_token(1));
        }
    }
}

// Row: the token for other programs
#[tokio::test]
async fn processes_that_renew_at_once_spend_one_refresh_token() {
    let shared = SharedStore::new().await;
    shared.keep(&expiring(100), "rt-made-up-0");
    let gate = shared.issuer.hold(Ask::Refresh);
    let all = async {
        tokio::join!(
            token(&shared, &FILE),
            token(&shared, &FILE),
            token(&shared, &FILE)
        )
    };
    let released = async {
        shared.issuer.wait_for(Ask::Refresh, 1).await;
        // Time for the others to come to the lock.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        gate.add_permits(3);
    };
    let ((one, two, three), ()) = tokio::join!(all, released);
    for ended in [one, two, three] {
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(ended.stdout.trim(), access_token(1));
    }
    assert_eq!(shared.issuer.asked(Ask::Refresh).len(), 1);
}

// Row: the token for other programs
#[tokio::test]
async fn a_failed_renewal_costs_nothing_while_the_token_is_valid() {
    for (left, code, words) in [(100, 0, "could not be renewed"), (-5, 2, "was not renewed")] {
        let shared = SharedStore::new().await;
        shared.keep(&expiring(left), "rt-made-up-0");
        for _ in 0..8 {
            shared.issuer.next(Ask::Refresh, 503, json!({}));
        }
        let ended = token(&shared, &FILE).await;
        assert_eq!(ended.code, Some(code), "{left}: {}", ended.stderr);
        assert_eq!(ended.stdout.is_empty(), code != 0);
        assert!(ended.stderr.contains(words), "{left}: {}", ended.stderr);
    }
}

// Row: the token for other programs
#[tokio::test]
async fn the_exit_code_says_what_is_missing() {
    let signed_out = SharedStore::new().await;
    let ended = token(&signed_out, &FILE).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    assert!(
        ended.stderr.contains("byokey login --store file"),
        "{}",
        ended.stderr
    );
    let ended = token(&signed_out, &[]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    assert!(ended.stderr.contains("no server runs"), "{}", ended.stderr);

    let expired = SharedStore::new().await;
    expired.keep(&expiring(-5), "rt-made-up-0");
    let refused = json!({"error": {"code": "refresh_token_invalidated"}});
    expired.issuer.next(Ask::Refresh, 401, refused);
    let ended = token(&expired, &FILE).await;
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(3), ""),
        "{}",
        ended.stderr
    );

    let broken = SharedStore::new().await;
    broken.write(b"not a login");
    let ended = token(&broken, &FILE).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
}

/// Starts a server on the default socket of this folder.
async fn server(shared: &SharedStore) -> (Listening, Host) {
    let folder = shared.folder.path().to_str().unwrap();
    let setup = Setup::default()
        .backend(&shared.backend)
        .environment("BYOKEY_HOME", folder);
    let listening = Listening::start(shared.issuer.set_up(setup), "unix://").await;
    let host = listening.unix_host().await;
    (listening, host)
}

// Row: the token for other programs
#[tokio::test]
async fn a_running_server_is_asked_where_no_store_is_chosen() {
    let shared = SharedStore::new().await;
    let (_server, mut host) = server(&shared).await;
    let ended = token(&shared, &[]).await;
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("the running server"),
        "{}",
        ended.stderr
    );
    let params = json!({"type": "chatgptDeviceCode"});
    host.request("account/login/start", params).await.unwrap();
    host.notification("account/updated").await;
    let ended = token(&shared, &[]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout.trim(), access_token(1));
    // The store is asked by name, whatever the server has.
    assert_eq!(token(&shared, &FILE).await.code, Some(1));
}

// Row: the token for other programs
#[tokio::test]
async fn a_token_of_the_host_is_refused() {
    let shared = SharedStore::new().await;
    let (_server, mut host) = server(&shared).await;
    let params = json!({
        "type": "chatgptAuthTokens", "accessToken": access_token(5),
        "chatgptAccountId": person().account, "chatgptPlanType": "plus",
    });
    host.request("account/login/start", params).await.unwrap();
    let ended = token(&shared, &["--json"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert!(ended.stderr.contains("byokey run"), "{}", ended.stderr);
}

// Row: the token for other programs
#[tokio::test]
async fn a_terminal_gets_it_on_request_only() {
    for (arguments, code) in [
        (&["token", "--store", "file"][..], 2),
        (&["token", "--store", "file", "--show"], 0),
    ] {
        let shared = SharedStore::new().await;
        shared.keep(&access_token(90), "rt-made-up-0");
        let home = Home::new("");
        let folder = shared.folder.path().to_str().unwrap();
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
        let terminal = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(name);
        let terminal: OwnedFd = terminal.unwrap().into();
        let mut command = command(&home, arguments, &[("BYOKEY_HOME", folder)]);
        let child = command
            .stdin(Stdio::null())
            .stdout(terminal)
            .spawn()
            .unwrap();
        // It ends, with an error, once the other end of the terminal is closed.
        drop(command);
        let shown = std::thread::spawn(move || {
            let mut shown = Vec::new();
            drop(File::from(ours).read_to_end(&mut shown));
            String::from_utf8(shown).unwrap()
        });
        let output = tokio::time::timeout(PATIENCE, child.wait_with_output());
        let output = output.await.unwrap().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert_eq!(said.contains("--show"), code == 2, "{said}");
        let shown = shown.join().unwrap();
        let expected = if code == 0 {
            access_token(90)
        } else {
            String::new()
        };
        assert_eq!(shown.trim(), expected);
    }
}

// Row: the token for other programs
#[tokio::test]
async fn the_token_of_the_environment_has_precedence() {
    let issuer = Issuer::start().await;
    let home = Home::new("");
    let url = issuer.url();
    let environment = [
        ("CODEX_APP_SERVER_LOGIN_ISSUER", url.as_str()),
        ("CODEX_ACCESS_TOKEN", "at-made-up-of-environment"),
    ];
    let mut command = command(&home, &["token", "--store", "file"], &environment);
    let output = command.stdin(Stdio::null()).output().await.unwrap();
    assert_eq!(output.stdout, b"at-made-up-of-environment\n");
    assert!(issuer.asked(Ask::Whoami).is_empty());
}
