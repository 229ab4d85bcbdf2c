//! T3: thousands of requests at once, each answered exactly once.

use std::collections::HashMap;
use std::time::Instant;

use byokey_dev_backend::{DevBackend, Options, TestToken};
use byokey_tests::{Host, PATIENCE, Server};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use crate::quiet_setup;

/// Sends this many requests without waiting, and expects one result for each.
async fn burst(server: &mut Server, before: &[Value], method: &str, count: usize) {
    let (mut input, output) = server.pipes();
    for message in before {
        let line = format!("{message}\n");
        input.write_all(line.as_bytes()).await.unwrap();
    }
    let begun = Instant::now();
    let lines: String = (0..count)
        .map(|id| format!("{{\"id\":{id},\"method\":\"{method}\"}}\n"))
        .collect();
    let writing = tokio::spawn(async move {
        input.write_all(lines.as_bytes()).await.unwrap();
        input
    });
    let mut answers = HashMap::<u64, u32>::new();
    let mut lines = BufReader::new(output).lines();
    while answers.len() < count {
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let line = line.expect("an answer comes in time").unwrap().unwrap();
        let message: Value = serde_json::from_str(&line).unwrap();
        assert!(message["error"].is_null(), "{message}");
        if let Some(id) = message["id"].as_u64() {
            *answers.entry(id).or_default() += 1;
        }
    }
    let took = begun.elapsed();
    // A duplicate would arrive before the end of output.
    drop(writing.await.unwrap());
    while let Some(line) = lines.next_line().await.unwrap() {
        let message: Value = serde_json::from_str(&line).unwrap();
        let again = message["id"]
            .as_u64()
            .is_some_and(|id| answers.contains_key(&id));
        assert!(!again, "{message}");
    }
    assert!(answers.values().all(|times| *times == 1));
    assert_eq!(answers.len(), count);
    #[expect(clippy::cast_precision_loss, reason = "a figure to read")]
    let rate = count as f64 / took.as_secs_f64();
    println!("T3: {count} x {method}: every id once, {took:?}, {rate:.0} per second");
}

fn introduction() -> Value {
    let client = json!({"name": "test-host", "version": "1.0"});
    json!({"id": "hello", "method": "initialize", "params": {"clientInfo": client}})
}

// Row: every id answered once
#[tokio::test]
async fn t3_bursts_that_need_no_backend_are_answered_whole() {
    for count in [100, 1_000, 10_000, 100_000] {
        let mut server = quiet_setup().start();
        burst(&mut server, &[introduction()], "account/read", count).await;
    }
}

// Row: every id answered once
#[tokio::test]
async fn t3_bursts_that_need_the_backend_are_answered_whole() {
    for count in [100, 1_000, 10_000] {
        let backend = DevBackend::start(Options::new().keep_requests(0)).unwrap();
        let mut server = quiet_setup().backend(&backend).start();
        let login = json!({"id": "login", "method": "account/login/start", "params": {
            "type": "chatgptAuthTokens",
            "accessToken": TestToken::new("ada").encode(),
            "chatgptAccountId": "ws-1",
        }});
        let before = [introduction(), login];
        burst(&mut server, &before, "account/rateLimits/read", count).await;
    }
}

#[tokio::test]
async fn other_requests_are_answered_while_a_refresh_is_pending() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let mut server = quiet_setup().backend(&backend).start();
    let mut host = Host::initialized(&mut server).await;
    let token = TestToken::new("ada").encode();
    host.login(&token, "ws-1").await;
    backend.reject_bearer(&token);
    let call = host.start("account/rateLimits/read", json!({})).await;
    let (refresh, _) = host.asked("account/chatgptAuthTokens/refresh").await;
    // As many at a time as the pipes hold: the host reads only afterwards.
    for batch in 0..20 {
        let ids = 10_000 + batch * 500..10_500 + batch * 500;
        for id in ids.clone() {
            host.send(&json!({"id": id, "method": "account/read"}))
                .await;
        }
        for id in ids {
            assert!(host.answer(id).await.is_ok());
        }
    }
    let tokens = json!({"accessToken": TestToken::new("bea").encode(), "chatgptAccountId": "ws-1"});
    host.respond(&refresh, tokens).await;
    assert!(host.answer(call).await.is_ok());
}
