//! Differences from codex that recordings of it show: each has its row in `docs/compatibility.md`,
//! and is so.

use std::path::Path;

use byokey_dev_backend::{Route, TestToken};
use byokey_tests::turns::{backend, begin_turn, script, signed_in};
use byokey_tests::{Host, Server};
use serde_json::json;

/// What the row of a difference says about this program.
const ROWS: [(&str, &str); 7] = [
    (
        "the browser is sent to `/success",
        "303 to `/success` without parameters",
    ),
    ("the id token is traded for an API key", "it is not"),
    (
        "the answer so far of an interrupted turn",
        "only messages that were complete",
    ),
    (
        "a JWT may have any signature",
        "three parts that are not empty",
    ),
    ("a message may have any length", "`--max-message-bytes`"),
    ("at the end of input", "5 seconds at most"),
    ("SIGINT and SIGHUP", "exit code 0"),
];

#[test]
fn each_difference_has_its_row() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/compatibility.md");
    let page = std::fs::read_to_string(page).unwrap();
    let rows: Vec<Vec<_>> = page
        .lines()
        .filter(|line| line.starts_with("| "))
        .map(|line| line.split(" | ").collect())
        .collect();
    for (codex, here) in ROWS {
        let is_it = |row: &&Vec<&str>| row.len() == 4 && row[1].contains(codex);
        let row = rows.iter().find(is_it);
        let row = row.unwrap_or_else(|| panic!("no row for \"{codex}\""));
        assert!(row[2].contains(here), "{row:?}");
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
