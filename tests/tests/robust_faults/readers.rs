//! F2 and F3: our output is not read.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use byokey_dev_backend::{DevBackend, Options, Script, TestToken};
use byokey_tests::{Host, PATIENCE, ProcessStatus, Server, Setup};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use crate::{REFRESH, Stage};

const INITIALIZE: &[u8] = b"{\"id\":0,\"method\":\"initialize\",\"params\":{\"clientInfo\":\
    {\"name\":\"test-host\",\"version\":\"1.0\"}}}\n";

// Row: output closed
#[tokio::test]
async fn closed_stdout_ends_the_server_with_the_next_answer() {
    let mut server = Server::start();
    let (mut input, output) = server.pipes();
    input.write_all(INITIALIZE).await.unwrap();
    let mut output = BufReader::new(output);
    output.read_line(&mut String::new()).await.unwrap();
    drop(output);
    let written = Instant::now();
    input
        .write_all(b"{\"id\":1,\"method\":\"account/read\"}\n")
        .await
        .unwrap();
    assert_eq!(server.exit_code().await, Some(0));
    assert!(written.elapsed() <= Duration::from_secs(1));
}

// Row: output full
#[tokio::test]
async fn full_stdout_stops_the_reading_and_nothing_is_lost() {
    let mut server = Server::start();
    let (mut input, output) = server.pipes();
    input.write_all(INITIALIZE).await.unwrap();
    let count = 50_000;
    let sent = Arc::new(AtomicI64::new(0));
    let last = Arc::clone(&sent);
    let writing = tokio::spawn(async move {
        for id in 1..=count {
            let line = format!("{{\"id\":{id},\"method\":\"account/read\"}}\n");
            input.write_all(line.as_bytes()).await.unwrap();
            last.store(id, Ordering::Relaxed);
        }
    });
    // Until no more is accepted, however slow.
    let mut before = -1;
    while before != sent.load(Ordering::Relaxed) {
        before = sent.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert!(!writing.is_finished(), "the pipe is the back-pressure");
    let mut lines = BufReader::new(output).lines();
    let mut ids = Vec::new();
    let reading = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            let message: serde_json::Value = serde_json::from_str(&line).unwrap();
            ids.extend(message["id"].as_i64());
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.unwrap();
    writing.await.unwrap();
    assert_eq!(ids, (0..=count).collect::<Vec<_>>());
}

/// Deltas of a reply with notifications of 20 MB.
const DELTAS: usize = 120_000;

#[tokio::test]
async fn an_unread_reply_is_not_piled_up() {
    // A text within its limit, in enough events that their notifications have 20 MB.
    let delta = json!({"type": "response.output_text.delta", "delta": "xxxx"});
    let message = json!({"type": "message", "role": "assistant",
        "content": [{"type": "output_text", "text": "short"}]});
    let mut events = vec![json!({"type": "response.created", "response": {"id": "r"}})];
    events.extend(vec![delta; DELTAS]);
    events.push(json!({"type": "response.output_item.done", "item": message}));
    events.push(json!({"type": "response.completed", "response": {"id": "r"}}));
    let steps = json!({"routes": {"responses": [{"events": events}]}});
    let script = Script::from_value(steps).unwrap();
    let backend = DevBackend::start(Options::new().script(script)).unwrap();
    let mut server = Setup::default()
        .backend(&backend)
        .environment("RUST_LOG", "warn")
        .start();
    let mut host = Host::initialized(&mut server).await;
    host.login(&TestToken::new("ada").encode(), "ws-1").await;
    let started = host.request("thread/start", json!({})).await.unwrap();
    let input = json!([{"type": "text", "text": "Hello"}]);
    let params = json!({"threadId": started["thread"]["id"], "input": input});
    let before = ProcessStatus::of(server.pid());
    host.start("turn/start", params).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = ProcessStatus::of(server.pid());
    // Without the pages of the program itself, which are read on first use.
    let grown = after.anonymous.saturating_sub(before.anonymous);
    println!("20 MB of deltas, nobody reads: {grown} KiB more");
    assert!(grown <= 4 * 1024, "{grown} KiB");
    let completed = host.notification("turn/completed").await;
    assert_eq!(completed["turn"]["status"], "completed");
    let rest = host.quiet_for(Duration::ZERO).await;
    let told = rest
        .iter()
        .filter(|message| message["method"] == "item/agentMessage/delta");
    assert_eq!(told.count(), DELTAS);
}

// Row: log closed or full
#[tokio::test]
async fn closed_stderr_is_no_reason_to_stop() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut stage = Stage::with(Setup::default().stderr(writer)).await;
    refreshes_and_logs(&mut stage).await;
    stage.host.close_input();
    assert_eq!(stage.server.exit_code().await, Some(0));
}

// Row: log closed or full
#[tokio::test]
async fn full_stderr_never_blocks() {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut stage = Stage::with(Setup::default().stderr(writer)).await;
    refreshes_and_logs(&mut stage).await;
    stage.host.close_input();
    assert_eq!(stage.server.exit_code().await, Some(0));
    drop(reader);
}

/// Makes the server log more than a pipe holds, and checks that it continues.
async fn refreshes_and_logs(stage: &mut Stage) {
    for _ in 0..20 {
        let ignored = "{\"id\":77,\"result\":{}}\n".repeat(1_000);
        stage.host.send_raw(ignored.as_bytes()).await;
        let read = stage.host.request("account/read", json!({})).await;
        assert!(read.is_ok(), "{read:?}");
    }
    let token = std::mem::take(&mut stage.token);
    stage.backend.reject_bearer(token);
    let call = stage.host.start(crate::LIMITS, json!({})).await;
    let (refresh, _) = stage.host.asked(REFRESH).await;
    let new = TestToken::new("bea").encode();
    let tokens = json!({"accessToken": new, "chatgptAccountId": "ws-1"});
    stage.host.respond(&refresh, tokens).await;
    assert!(stage.host.answer(call).await.is_ok());
}
