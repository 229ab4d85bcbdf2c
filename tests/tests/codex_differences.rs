//! Differences from codex that recordings of it show: each has its row in `docs/compatibility.md`,
//! and is so.

use std::path::{Path, PathBuf};

use byokey_dev_backend::{Route, TestToken};
use byokey_tests::turns::{backend, begin_turn, script, signed_in};
use byokey_tests::{Host, Server};
use serde_json::json;

/// A row of the page, and the test that holds what it says about this program.
struct Row {
    codex: &'static str,
    here: &'static str,
    /// The file with the test, and its name.
    test: (&'static str, &'static str),
}

const ROWS: [Row; 7] = [
    Row {
        codex: "the browser is sent to `/success",
        here: "303 to `/success` without parameters",
        test: (
            "signin_browser/main.rs",
            "the_browser_comes_back_and_the_user_is_signed_in",
        ),
    },
    Row {
        codex: "the id token is traded for an API key",
        here: "it is not",
        test: (
            "signin_browser/main.rs",
            "the_browser_comes_back_and_the_user_is_signed_in",
        ),
    },
    Row {
        codex: "the answer so far of an interrupted turn",
        here: "only messages that were complete",
        test: (
            "codex_differences.rs",
            "the_answer_of_an_interrupted_turn_is_not_sent_with_the_next_one",
        ),
    },
    Row {
        codex: "a JWT may have any signature",
        here: "three parts that are not empty",
        test: (
            "codex_differences.rs",
            "a_jwt_has_three_parts_without_padding",
        ),
    },
    Row {
        codex: "a message may have any length",
        here: "`--max-message-bytes`, kind `messageTooLong`",
        test: (
            "robust_inputs/not_json.rs",
            "the_limit_is_the_one_on_the_command_line",
        ),
    },
    Row {
        codex: "at the end of input",
        here: "5 seconds at most",
        test: (
            "robust_faults/end_of_input.rs",
            "calls_that_do_not_end_are_answered_with_an_error",
        ),
    },
    Row {
        codex: "SIGINT and SIGHUP",
        here: "exit code 0",
        test: (
            "robust_faults/signals.rs",
            "signals_that_end_programs_end_it_well",
        ),
    },
];

/// The folder of the documentation. `tests/world.py` names that of an older program.
fn docs() -> PathBuf {
    let present = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    std::env::var_os("BYOKEY_DOCS").map_or_else(present, PathBuf::from)
}

#[test]
fn each_difference_has_its_row() {
    let page = std::fs::read_to_string(docs().join("compatibility.md")).unwrap();
    let rows: Vec<Vec<_>> = page
        .lines()
        .filter(|line| line.starts_with("| "))
        .map(|line| line.split(" | ").collect())
        .collect();
    let missing = ROWS.iter().filter(|row| {
        let is_it = |cells: &Vec<&str>| {
            cells.len() == 4 && cells[1].contains(row.codex) && cells[2].contains(row.here)
        };
        !rows.iter().any(is_it)
    });
    let missing: Vec<_> = missing.map(|row| row.codex).collect();
    assert!(missing.is_empty(), "no row says: {missing:#?}");
}

#[test]
fn each_of_these_rows_has_its_test() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for Row { codex, test, .. } in ROWS {
        let (file, name) = test;
        let source = std::fs::read_to_string(tests.join(file)).unwrap();
        let head = format!("#[tokio::test]\nasync fn {name}() {{");
        assert!(source.contains(&head), "{codex}: no {name} in {file}");
    }
}

#[tokio::test]
async fn the_answer_of_an_interrupted_turn_is_not_sent_with_the_next_one() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    let steps = json!([{"text": ["Incomplete"], "hang": true}, {"text": ["Whole"]}]);
    backend.set_script(script("responses", &steps));
    let turn = begin_turn(&mut host).await;
    host.notification("item/agentMessage/delta").await;
    host.request("turn/interrupt", turn.clone()).await.unwrap();
    host.notification("turn/completed").await;
    let input = json!([{"type": "text", "text": "Again"}]);
    let next = json!({"threadId": turn["threadId"], "input": input});
    host.request("turn/start", next).await.unwrap();
    let ended = host.notification("turn/completed").await;
    assert_eq!(ended["turn"]["status"], "completed", "{ended}");
    let asked = backend.requests_to(Route::Responses);
    let sent = asked[1].json().unwrap().to_string();
    assert!(sent.contains("Hello") && sent.contains("Again"), "{sent}");
    assert!(!sent.contains("Incomplete"), "{sent}");
}

#[tokio::test]
async fn a_jwt_has_three_parts_without_padding() {
    let mut server = Server::start();
    let mut host = Host::initialized(&mut server).await;
    let good = TestToken::new("ada").encode();
    let parts: Vec<_> = good.split('.').collect();
    let [head, claims, signature] = parts[..] else {
        panic!("{good}");
    };
    for odd in [
        format!("{head}.{claims}"),
        format!("{head}.{claims}."),
        format!("{head}.{claims}=.{signature}"),
        format!("{head}.WyJhIl0.{signature}"),
    ] {
        let login =
            json!({"type": "chatgptAuthTokens", "accessToken": odd, "chatgptAccountId": "ws-1"});
        let refused = host.request("account/login/start", login).await;
        assert_eq!(refused.unwrap_err().kind(), "invalidToken", "{odd}");
    }
    host.login(&good, "ws-1").await;
}
