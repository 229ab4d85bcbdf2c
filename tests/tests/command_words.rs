//! What the commands for people say: which account is signed in, how long a login waits, when a
//! token expires, where else there is a login, and what is wrong with the arguments.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed, and it plays the user"
)]

use std::fs::{File, Permissions};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Stdio;

use byokey_dev_backend::TestToken;
use byokey_tests::command::{Ended, command, run};
use byokey_tests::issuer::{Ask, Issuer};
use byokey_tests::ports::LoginPorts;
use byokey_tests::{Home, PATIENCE};
use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use serde_json::{Value, json};

const FILE: &[&str] = &["--store", "file"];

/// Writes a login of Ada that expires then into a file.
fn write_login(home: &Home, file: &str, expires_at: u64, refresh_token: &str) -> PathBuf {
    let token = TestToken {
        expires_at,
        ..TestToken::new("ada")
    };
    let token = token.encode();
    let login = json!({
        "auth_mode": "chatgpt",
        "tokens": {"id_token": token, "access_token": token, "refresh_token": refresh_token},
    });
    let path = home.path().join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, login.to_string()).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}

async fn said(home: &Home, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    run(home, arguments, environment, "").await
}

const OURS: &str = ".local/share/byokey/auth.json";
const OF_CODEX: &str = ".codex/auth.json";

#[tokio::test]
async fn a_login_says_which_account_is_signed_in() {
    let (home, issuer) = (Home::new(""), Issuer::start().await);
    let url = issuer.url();
    let environment = [("CODEX_APP_SERVER_LOGIN_ISSUER", url.as_str())];
    let login = ["login", "--store", "file"];
    let device = said(
        &home,
        &[&login[..], &["--device-auth"]].concat(),
        &environment,
    )
    .await;
    let expected = "Successfully logged in as ada@example.com, plan pro, workspace account-ada\n";
    assert!(device.stderr.ends_with(expected), "{}", device.stderr);
    assert!(!device.stderr.contains(" left"), "there is no terminal");
    let key = [&login[..], &["--with-api-key"]].concat();
    let key = run(&home, &key, &environment, "sk-made-up-key").await;
    assert!(
        key.stderr
            .ends_with("Successfully logged in using an API key\n")
    );
}

#[tokio::test]
async fn a_terminal_shows_how_long_a_login_still_waits() {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    let ours = rustix::pty::openpt(flags).unwrap();
    rustix::pty::grantpt(&ours).unwrap();
    rustix::pty::unlockpt(&ours).unwrap();
    let name = rustix::pty::ptsname(&ours, Vec::new()).unwrap();
    let flags = OFlags::RDWR | OFlags::NOCTTY;
    let theirs = rustix::fs::open(&name, flags, Mode::empty()).unwrap();

    let (home, issuer) = (Home::new(""), Issuer::start().await);
    let held = issuer.hold(Ask::DevicePoll);
    let url = issuer.url();
    let environment = [("CODEX_APP_SERVER_LOGIN_ISSUER", url.as_str())];
    let arguments = ["login", "--store", "file", "--device-auth"];
    let mut login = command(&home, &arguments, &environment);
    let mut child = login.stderr(theirs).stdin(Stdio::null()).spawn().unwrap();
    // It still holds a copy of the terminal, which would not end then.
    drop(login);
    let read = tokio::task::spawn_blocking(move || {
        let (mut terminal, mut text) = (File::from(ours), String::new());
        let mut bytes = [0; 1024];
        // A terminal ends with an error.
        while let Ok(length @ 1..) = terminal.read(&mut bytes) {
            text.push_str(&String::from_utf8_lossy(&bytes[..length]));
            if text.contains("15 min left") {
                held.add_permits(9);
            }
        }
        text
    });
    let ended = tokio::time::timeout(PATIENCE, child.wait()).await.unwrap();
    assert_eq!(ended.unwrap().code(), Some(0));
    let text = tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
    let (_, after) = text.split_once("15 min left").unwrap();
    let (_, rest) = after.split_once("\r\u{1b}[K").unwrap();
    assert!(rest.starts_with("Successfully logged in as "), "{text:?}");
}

#[tokio::test]
async fn an_expired_login_is_the_first_thing_that_is_said() {
    let home = Home::new("");
    write_login(&home, OURS, 1, "");
    let status = said(&home, &[&["status"], FILE].concat(), &[]).await;
    assert_eq!(status.code, Some(3));
    let lines: Vec<_> = status.stderr.lines().collect();
    assert!(lines[0].starts_with("Expired: "), "{lines:?}");
    assert!(
        lines[0].contains("`byokey login --store file`"),
        "{lines:?}"
    );
    let expired = lines.iter().find(|line| line.contains("expired:")).unwrap();
    assert!(expired.contains("1970-01-01 00:00 UTC ("), "{expired}");
    assert!(expired.ends_with(" ago)"), "{expired}");
}

#[tokio::test]
async fn times_are_those_of_the_users_time_zone() {
    let home = Home::new("");
    write_login(&home, OURS, 4_102_444_800, "rt-made-up-of-ada");
    let status = said(&home, &[&["status"], FILE].concat(), &[("TZ", "EET-2:30")]).await;
    let expected = "expires: 2100-01-01 02:30 +02:30 (in ";
    assert!(status.stderr.contains(expected), "{}", status.stderr);
}

#[tokio::test]
async fn a_login_elsewhere_is_found_and_its_use_explained() {
    let home = Home::new("");
    let status = said(&home, &["status"], &[]).await;
    assert_eq!(status.code, Some(1));
    assert!(status.stderr.contains("byokey status --store keyring"));
    assert!(!status.stderr.contains("contains a login"));

    write_login(&home, OURS, 4_102_444_800, "rt-made-up-of-ada");
    write_login(&home, OF_CODEX, 4_102_444_800, "rt-made-up-of-codex");
    let status = said(&home, &["status"], &[]).await;
    for expected in [
        "The store `file` contains a login: choose it with `--store file`",
        "codex is signed in: `byokey import-codex --store file`",
    ] {
        assert!(status.stderr.contains(expected), "{}", status.stderr);
    }
    let status = said(&home, &["status", "--json"], &[]).await;
    let report: Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(report["otherStore"], "file");
    assert_eq!(report["codexLogin"], true);
}

#[tokio::test]
async fn the_status_names_a_token_command_without_its_arguments() {
    let home = Home::new(
        "model_provider = 'mine'\n[model_providers.mine]\nname = 'Mine'\n\
         auth = { command = '/opt/bin/vault-token', args = ['made-up-argument'] }",
    );
    let words = "go to the provider `mine` with a token that the command `vault-token` prints";
    for is_signed_in in [false, true] {
        if is_signed_in {
            write_login(&home, OURS, 4_102_444_800, "rt-made-up");
        }
        let status = said(&home, &[&["status"], FILE].concat(), &[]).await;
        assert!(status.stderr.contains(words), "{}", status.stderr);
        assert!(!status.stderr.contains("made-up-argument"));
        let status = said(&home, &[&["status", "--json"], FILE].concat(), &[]).await;
        let report: Value = serde_json::from_str(&status.stdout).unwrap();
        let expected = serde_json::json!({"provider": "mine", "program": "vault-token"});
        assert_eq!(report["tokenCommand"], expected);
    }
}

/// Arguments, variables, and the kind of the failure.
type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);

#[tokio::test]
async fn programs_get_an_object_for_a_failure_too() {
    let home = Home::new("");
    let file = write_login(&home, OURS, 1, "");
    std::fs::write(&file, "{ broken").unwrap();
    let json = [&["status", "--json"], FILE].concat();
    let cases: [Case<'_>; 3] = [
        (&json, &[], "storeFailed"),
        (
            &["status", "--json", "--store", "nope"],
            &[],
            "configurationInvalid",
        ),
        (
            &json,
            &[("CODEX_HOME", "/nonexistent")],
            "configurationInvalid",
        ),
    ];
    for (arguments, environment, kind) in cases {
        let status = said(&home, arguments, environment).await;
        assert_eq!(status.code, Some(2), "{status:?}");
        let report: Value = serde_json::from_str(&status.stdout).unwrap();
        assert_eq!(report["status"], "failed");
        assert_eq!(report["error"]["kind"], kind);
        let message = report["error"]["message"].as_str().unwrap();
        assert!(status.stderr.contains(message), "{status:?}");
    }
}

#[tokio::test]
async fn programs_get_an_object_for_wrong_arguments_too() {
    let home = Home::new("");
    for (command, place) in [
        ("status", "/error/message"),
        ("doctor", "/checks/0/text"),
        ("version", "/error/message"),
        ("gateway", "/error/message"),
    ] {
        for wrong in [
            &["--nope"][..],
            &["nope"],
            &["--profile", "../nope"],
            &["--store"],
        ] {
            let arguments = [&[command, "--json"], wrong].concat();
            let ended = said(&home, &arguments, &[]).await;
            assert_eq!(ended.code, Some(2), "{ended:?}");
            assert_eq!(ended.stdout.lines().count(), 1, "{ended:?}");
            let object: Value = serde_json::from_str(&ended.stdout).unwrap();
            let message = object.pointer(place).unwrap().as_str().unwrap();
            assert!(
                message.contains(wrong[0]) && !message.contains('\n'),
                "{message}"
            );
            assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
            match command {
                "status" => assert_eq!(object["status"], "failed"),
                "doctor" => assert_eq!(object["checks"][0]["id"], "program.arguments"),
                "gateway" => assert_eq!(object["error"]["code"], "failed"),
                _ => assert_eq!(object["error"]["kind"], "invalidParams"),
            }
            let ended = said(&home, &[&[command], wrong].concat(), &[]).await;
            assert_eq!((ended.code, &*ended.stdout), (Some(2), ""));
        }
        let help = said(&home, &[command, "--json", "--help"], &[]).await;
        assert_eq!(help.code, Some(0));
        assert!(help.stdout.contains("Usage: "), "{help:?}");
    }
    let server = said(&home, &["app-server", "--json"], &[]).await;
    assert_eq!((server.code, &*server.stdout), (Some(2), ""));
}

#[tokio::test]
async fn the_page_is_opened_with_the_browser_that_is_named() {
    let _ports = LoginPorts::take().await;
    let (home, issuer) = (Home::new(""), Issuer::start().await);
    let browser = home.path().join("my-browser");
    std::fs::write(&browser, "#!/bin/sh\necho \"$@\" >\"$HOME/opened\"\n").unwrap();
    std::fs::set_permissions(&browser, Permissions::from_mode(0o755)).unwrap();
    let url = issuer.url();
    let environment = [
        ("CODEX_APP_SERVER_LOGIN_ISSUER", url.as_str()),
        (
            "BROWSER",
            &format!("/nonexistent:{} --new", browser.display()),
        ),
        ("PATH", "/usr/bin:/bin"),
    ];
    let mut login = command(&home, &["login", "--store", "file"], &environment);
    let mut login = login.spawn().unwrap();
    let opened = async {
        loop {
            let text = std::fs::read_to_string(home.path().join("opened"));
            match text {
                Ok(text) if text.ends_with('\n') => break text,
                _ => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
            }
        }
    };
    let opened = tokio::time::timeout(PATIENCE, opened).await.unwrap();
    assert!(opened.starts_with(&format!("--new {url}/")), "{opened}");
    login.kill().await.unwrap();
}

#[tokio::test]
async fn mistakes_in_the_arguments_of_a_server_are_on_standard_error() {
    let home = Home::new("");
    for (arguments, part) in [
        (&["--store", "nope"][..], "`--store` must be \"ephemeral\""),
        (&["-c", "foo"], "an override with `-c` is not `key=value`"),
        (&["-c", "model=1"], "`model` must be a string"),
        (
            &["-c", "model_provider=nope"],
            "Model provider `nope` not found",
        ),
        (&["-p", "nope"], "config profile `nope` not found"),
        (&["--listen", "nope"], "nope"),
    ] {
        let server = said(&home, &[&["app-server"], arguments].concat(), &[]).await;
        assert!(
            server.stderr.contains(part),
            "{arguments:?}: {}",
            server.stderr
        );
    }
}
