//! `--record`: what a line says of the end of an answer.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use byokey_dev_backend::{DevBackend, Options, Script};
use byokey_tests::PATIENCE;
use byokey_tests::gateway::{Gateway, TURN};
use serde_json::{Value, json};

/// Returns the lines of the turns with these answers.
async fn recorded(steps: Value) -> Vec<Value> {
    let turns = steps.as_array().unwrap().len();
    let script = json!({"routes": {"responses": steps}});
    let script = Script::from_json(&script.to_string()).unwrap();
    let backend = DevBackend::start(Options::new().script(script)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("turns.jsonl");
    let gateway = Gateway::start(&backend, &["--record", file.to_str().unwrap()]).await;
    let client = gateway.client();
    for _ in 0..turns {
        let sent = client.post("/backend-api/codex/responses", TURN).await;
        assert_eq!(sent.status, 200);
    }
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(&file).unwrap();
        let lines: Vec<Value> = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        if lines.len() >= turns {
            return lines;
        }
        assert!(std::time::Instant::now() < deadline, "{text}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

fn statuses(lines: &[Value]) -> Vec<&str> {
    let statuses = lines.iter().map(|line| line["status"].as_str().unwrap());
    statuses.collect()
}

#[tokio::test]
async fn the_status_of_a_whole_answer_is_its_own() {
    let whole = |status: &str| {
        let output = [json!({"type": "message", "role": "assistant", "content": []})];
        let body = json!({"id": "r", "status": status, "output": output, "usage": {"a": 1}});
        json!({"body": body, "headers": {"content-type": "application/json"}})
    };
    let kinds = [
        "completed",
        "incomplete",
        "failed",
        "cancelled",
        "in_progress",
    ];
    let lines = recorded(kinds.iter().map(|kind| whole(kind)).collect()).await;
    let expected = ["completed", "incomplete", "failed", "failed", "incomplete"];
    assert_eq!(statuses(&lines), expected);
    for line in &lines {
        assert_eq!(line["output"][0]["type"], "message", "{line}");
        assert_eq!(line["usage"], json!({"a": 1}));
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_not_one_that_broke_off() {
    let long = "x".repeat(17 << 20);
    let json = json!({"content-type": "application/json"});
    let lines = recorded(json!([
        {"body": {"status": "completed", "output": [long]}, "headers": json},
        {"body": "made up", "headers": {"content-encoding": "gzip"}},
        {"body": "not JSON", "headers": json},
        {"events": [{"type": "response.created", "response": {"id": "r"}}], "drop": true},
    ]))
    .await;
    let expected = ["unread", "unread", "unread", "brokenOff"];
    assert_eq!(statuses(&lines), expected);
}

#[tokio::test]
async fn the_status_of_a_stream_is_that_of_its_last_event() {
    let last =
        |kind: &str| json!({"events": [{"type": kind, "response": {"id": "r", "output": []}}]});
    let lines = recorded(json!([
        last("response.completed"),
        last("response.incomplete"),
        last("response.failed"),
        {"events": [{"type": "error", "code": "made_up", "message": "made up"}]},
    ]))
    .await;
    let expected = ["completed", "incomplete", "failed", "failed"];
    assert_eq!(statuses(&lines), expected);
}
