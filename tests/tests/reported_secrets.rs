//! Secrets in places where other processes can read them are reported, and never shown; and what
//! looks like our own channel for one is not read when it is not.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use byokey_tests::issuer::{Ask, Issuer};
use byokey_tests::{Host, PATIENCE, Setup};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::json;

/// The variable that names the descriptor of the pipe for a token.
const PIPE: &str = "BYOKEY_ACCESS_TOKEN_PIPE";

/// The program goes on, and its log has these words.
async fn goes_on_and_says(setup: Setup, words: &str) -> String {
    let mut server = setup.start();
    let mut host = Host::new(&mut server);
    let introduced = host.introduce("test-host", json!({}));
    let introduced = tokio::time::timeout(PATIENCE, introduced).await;
    introduced.unwrap();
    host.request("account/read", json!({})).await.unwrap();
    host.close_input();
    assert_eq!(server.exit_code().await, Some(0));
    let log = server.whole_log().await;
    assert!(log.contains(words), "no \"{words}\" in: {log}");
    log
}

#[tokio::test]
async fn a_token_that_is_too_long_to_leave_the_environment_is_reported() {
    let issuer = Issuer::start().await;
    for (length, is_reported) in [(4096, false), (4097, true), (100_000, true)] {
        let mut token = format!("at-{}", "made-up-".repeat(length));
        token.truncate(length);
        let setup = issuer.set_up(Setup::default());
        let setup = setup.environment("CODEX_ACCESS_TOKEN", &token);
        let log = goes_on_and_says(setup, "").await;
        let said = format!("CODEX_ACCESS_TOKEN has {length} bytes");
        assert_eq!(log.contains(&said), is_reported, "{log}");
        assert!(!log.contains("made-up-made-up"), "{log}");
    }
    let seen = issuer.asked(Ask::Whoami);
    assert!(!seen.is_empty(), "the token is used all the same");
}

#[tokio::test]
async fn standard_input_is_not_read_for_a_token() {
    for named in ["0", "1", "2"] {
        let setup = Setup::default().environment(PIPE, named);
        goes_on_and_says(setup, "it names standard input or output").await;
    }
}

#[tokio::test]
async fn a_pipe_that_is_silent_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    // Open for both, so that neither side waits for another and no end ever comes.
    let setup = Setup::default().after(&format!("exec 9<>{}", pipe.display()));
    goes_on_and_says(setup.environment(PIPE, "9"), "").await;
    // Nor is a descriptor that is not open, or no number.
    for named in ["77", "-1", "nine"] {
        goes_on_and_says(Setup::default().environment(PIPE, named), "").await;
    }
}

#[tokio::test]
async fn a_secret_among_the_arguments_is_reported() {
    let canary = "made-up-canary-of-an-argument";
    for (setting, is_secret) in [
        (
            format!("model_providers.x.experimental_bearer_token={canary}"),
            true,
        ),
        (
            format!("model_providers.x.http_headers.Authorization=\"Bearer {canary}\""),
            true,
        ),
        (
            format!("model_providers.x={{name=\"X\",http_headers={{X-Api-Key=\"{canary}\"}}}}"),
            true,
        ),
        ("model_providers.x.env_key=NAME".to_owned(), false),
    ] {
        let setup = Setup::default().argument("-c").argument(&setting);
        let log = goes_on_and_says(setup, "").await;
        assert_eq!(log.contains("-c carries a secret"), is_secret, "{log}");
        assert!(!log.contains(canary), "{log}");
    }
}
