//! Messages: those that are not read, and long ones over a WebSocket.

use std::time::Duration;

use byokey_dev_backend::TestToken;
use byokey_tests::turns::{backend, script};
use byokey_tests::{Listening, ProcessStatus, Setup, byokey_measured};
use serde_json::json;

use super::{LONG, MOST, Stage, say, thread};

#[tokio::test]
async fn a_client_that_reads_nothing_costs_no_more() {
    let backend = backend();
    backend.set_script(script(
        "responses",
        &json!([{"text": ["Yes."], "repeat": 0}]),
    ));
    let mut stage = Stage::set(&backend).await;
    let long = thread(&mut stage.host, 10).await;
    // What a first turn touches of the program does not count.
    say(&mut stage.host, &long, "Hello").await.unwrap();
    stage.before = ProcessStatus::of(stage.listening.server.pid());
    let text = "x".repeat(1_000_000);
    for _ in 0..3 {
        let ended = say(&mut stage.host, &long, &text).await.unwrap();
        assert_eq!(ended["status"], "completed");
    }
    // It asks for all of the conversation again and again, and says more in another one.
    let other = thread(&mut stage.host, 10).await;
    let input = json!([{"type": "text", "text": text}]);
    let turn = json!({"id": "turn", "method": "turn/start", "params": {"threadId": other, "input": input}});
    let resume = json!({"id": "again", "method": "thread/resume", "params": {"threadId": long}});
    let mut asked = format!("{turn}\n");
    for _ in 0..100 {
        asked.push_str(&format!("{resume}\n"));
    }
    let sent = stage.host.send_raw(asked.as_bytes());
    // Nothing more is read from it, so not all of this is taken.
    drop(tokio::time::timeout(Duration::from_secs(3), sent).await);
    stage.others_are_served().await;
    stage.check("a client that reads nothing");
}

#[tokio::test]
async fn long_messages_over_a_websocket_cost_no_more() {
    let backend = backend();
    let setup = Setup::default().program(byokey_measured());
    let listening = Listening::websocket(setup.backend(&backend)).await;
    let mut host = listening.host().await;
    host.login(&TestToken::new("ada").encode(), "ws-1").await;
    let pid = listening.server.pid();
    let check = |before: ProcessStatus, what: &str| {
        let grown = ProcessStatus::of(pid).resident_peak - before.resident;
        println!("figure: {what}: peak memory +{grown} KiB");
        assert!(grown <= MOST, "{what}: {grown} KiB");
    };
    // What a first turn touches of the program does not count.
    let long = thread(&mut host, 10).await;
    say(&mut host, &long, "Hello").await.unwrap();
    let before = ProcessStatus::of(pid);
    for _ in 0..3 {
        let long = json!({"x": "x".repeat(LONG)});
        host.request("account/read", long).await.unwrap();
    }
    check(before, "a message of 4 MB over a WebSocket");
    let text = "x".repeat(1_000_000);
    for _ in 0..3 {
        say(&mut host, &long, &text).await.unwrap();
    }
    for _ in 0..3 {
        let resumed = host.request("thread/resume", json!({"threadId": long}));
        resumed.await.unwrap();
    }
    check(before, "a conversation of 3 MB over a WebSocket");
}
