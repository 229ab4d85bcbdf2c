//! Token providers: functions, and commands like credential helpers.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[expect(dead_code, reason = "other tests need the rest of it")]
mod made_up;

use std::path::Path;
use std::time::{Duration, Instant};

use byokey_client::protocol::external_auth::{ExternalTokens, RefreshParams, RefreshReason};
use byokey_client::protocol::open::Open;
use byokey_client::{
    ByokeyClient, ByokeyError, CommandTokens, SpawnOptions, TokenProvider, command_tokens,
    first_login, tokens,
};
use byokey_dev_backend::{DevBackend, Options, Script, TestToken};
use byokey_tests::Overheard;
use serde_json::json;

use crate::made_up::{TOKEN, error, gone, run, supply};

/// Returns a program that records each run, and prints an answer with its number.
fn command(folder: &Path, lines: &[&str]) -> CommandTokens {
    let beginning = format!(
        "import json, os, subprocess, sys, time\n\
         folder = {:?}\n\
         file = open(folder + '/runs', 'a+')\n\
         print(os.environ['BYOKEY_REFRESH_REASON'], os.environ['BYOKEY_PREVIOUS_ACCOUNT_ID'], \
         file=file, flush=True)\n\
         file.seek(0); run = len(file.readlines())\n\
         answer = {{'accessToken': f'made-up-{{run}}', 'chatgptAccountId': 'ws-1'}}\n",
        folder.display().to_string()
    );
    command_tokens("python3", ["-c".to_owned(), beginning + &lines.join("\n")])
}

const PRINT: &[&str] = &["print(json.dumps(answer))"];

fn runs(folder: &Path) -> Vec<String> {
    let runs = std::fs::read_to_string(folder.join("runs")).unwrap();
    runs.lines().map(str::to_owned).collect()
}

fn request(reason: RefreshReason, account: &str) -> RefreshParams {
    RefreshParams {
        reason: reason.into(),
        previous_account_id: Some(account.to_owned()),
    }
}

async fn asked(provider: &impl TokenProvider, request: RefreshParams) -> String {
    let tokens: ExternalTokens = provider.tokens(request).await.unwrap();
    tokens.access_token.expose().to_owned()
}

#[test]
fn functions_and_closures_are_providers() {
    run(async {
        assert_eq!(asked(&supply, first_login()).await, TOKEN);
        let closure = |_: RefreshParams| async { Ok(tokens("made-up-closure", "ws-1")) };
        assert_eq!(asked(&closure, first_login()).await, "made-up-closure");
    });
}

#[test]
fn what_a_command_printed_is_kept_until_it_is_refused() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let provider = command(folder.path(), PRINT);
        let refused = || request(RefreshReason::Unauthorized, "ws-1");
        let (one, two) = tokio::join!(provider.ask(), provider.ask());
        assert_eq!(one.unwrap().chatgpt_account_id.as_deref(), Some("ws-1"));
        assert_eq!(two.unwrap().access_token.expose(), "made-up-1");
        assert_eq!(asked(&provider, refused()).await, "made-up-2");
        assert_eq!(asked(&provider, first_login()).await, "made-up-2");
        let other_account = RefreshParams {
            reason: Open::Unknown("new".into()),
            previous_account_id: Some("ws-2".to_owned()),
        };
        assert_eq!(asked(&provider, other_account).await, "made-up-3");
        let expiring = request(RefreshReason::Expiring, "ws-1");
        assert_eq!(asked(&provider, expiring).await, "made-up-4");
        let reasons = ["login ", "unauthorized ws-1", "new ws-2", "expiring ws-1"];
        assert_eq!(runs(folder.path()), reasons);
    });
}

#[test]
fn what_a_command_printed_is_kept_until_a_minute_before_it_expires() {
    run(async {
        for (seconds, answer) in [(50, "made-up-2"), (3_600, "made-up-1")] {
            let folder = tempfile::tempdir().unwrap();
            let print =
                format!("print(json.dumps(answer | {{'expiresAt': time.time() + {seconds}}}))");
            let provider = command(folder.path(), &[&print]);
            provider.ask().await.unwrap();
            let expiring = request(RefreshReason::Expiring, "ws-1");
            assert_eq!(asked(&provider, expiring).await, answer);
        }
    });
}

#[test]
fn a_failure_says_what_and_not_what_was_printed() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let secret = "made-up-secret";
        for (line, problem) in [
            (
                "print('made-up-secret'); sys.exit(3)",
                "ended with exit status: 3",
            ),
            ("print('made-up-secret')", "did not print one JSON object"),
            (
                "sys.stdout.buffer.write(b'\\xff')",
                "did not print one JSON object",
            ),
            (
                "print(json.dumps(answer) * 2)",
                "did not print one JSON object",
            ),
            ("print(json.dumps({'made-up-secret': 1}))", "`accessToken`"),
            (
                "print(json.dumps(answer | {'expiresAt': 'made-up-secret'}))",
                "did not print",
            ),
        ] {
            let error = error(command(folder.path(), &[line]).ask().await);
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(problem), "{line}: {shown}");
            assert!(!shown.contains(secret), "{shown}");
        }
        let nothing = command_tokens("/not/there", [""; 0]).ask().await;
        assert!(error(nothing).to_string().contains("cannot be started"));
    });
}

#[test]
fn a_failure_is_not_kept() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let line = "sys.exit(1) if run == 1 else print(json.dumps(answer))";
        let provider = command(folder.path(), &[line]);
        error(provider.ask().await);
        assert_eq!(asked(&provider, first_login()).await, "made-up-2");
    });
}

#[test]
fn a_command_that_takes_too_long_is_ended_with_all_that_it_started() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let provider = command(
            folder.path(),
            &[
                "child = subprocess.Popen(['sleep', '60'])",
                "open(folder + '/child', 'w').write(str(child.pid))",
                "child.wait()",
            ],
        );
        let started = Instant::now();
        let error = error(provider.timeout(Duration::from_secs(5)).ask().await);
        assert!(error.to_string().contains("took longer than 5s"));
        assert!(started.elapsed() < Duration::from_secs(30));
        let child = std::fs::read_to_string(folder.path().join("child")).unwrap();
        gone(child.parse().unwrap()).await;
    });
}

#[test]
fn a_client_signs_in_and_refreshes_with_a_command() {
    // Without the test's timeout: it may have to be built.
    let overheard = Overheard::start();
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let old = TestToken::new("old").encode();
        let new = TestToken::new("new").encode();
        let script = Script::from_value(json!({"rejectedBearers": [old], "expireAfter": 1}));
        let backend = DevBackend::start(Options::new().script(script.unwrap())).unwrap();
        let line = format!(
            "print(json.dumps(answer | {{'accessToken': ['{old}', '{new}'][run - 1]}}))\
             if run < 3 else sys.exit(1)"
        );
        let base = format!("chatgpt_base_url={}/backend-api", backend.base_url());
        let first = command(folder.path(), &[&line]);
        let login = first.ask().await.unwrap();
        let options = SpawnOptions::new("test", "1", first)
            .command(overheard.program())
            .args(["app-server", "-c", &base]);
        let client = ByokeyClient::spawn(options).await.unwrap();
        client.login(login).await.unwrap();
        client.read_rate_limits().await.unwrap();
        assert_eq!(runs(folder.path()), ["login ", "unauthorized ws-1"]);
        let failed = error(client.read_rate_limits().await);
        assert!(matches!(failed, ByokeyError::RefreshFailed(_)));
        assert_eq!(failed.kind(), Some("hostRefused"));
        client.close().await;
        overheard.check("");
    });
}
