//! The room that answers share which the gateway reads for its clients.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use byokey_dev_backend::{DevBackend, Options, Script};
use byokey_tests::PATIENCE;
use byokey_tests::gateway::Gateway;
use serde_json::json;

const WHOLE: &str = r#"{"model":"gpt-5.5","input":"Hello"}"#;
/// The clients at once.
const CLIENTS: u32 = 12;

fn script(step: &serde_json::Value) -> Script {
    let script = json!({"routes": {"responses": [step]}});
    Script::from_json(&script.to_string()).unwrap()
}

#[tokio::test]
async fn answers_that_are_read_whole_share_their_room_and_give_it_back() {
    let part = "x".repeat(12 << 20);
    let unfinished = json!({"raw": [format!("data: {part}")], "hang": true, "repeat": CLIENTS});
    let backend = DevBackend::start(Options::new().script(script(&unfinished))).unwrap();
    let gateway = Gateway::start(&backend, &[]).await;
    let client = gateway.client();
    let (sender, mut refused) = tokio::sync::mpsc::unbounded_channel();
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        let (client, sender) = (client.clone(), sender.clone());
        waiting.spawn(async move {
            let answer = client.post("/v1/responses", WHOLE).await;
            drop(sender.send((answer.status, answer.code())));
        });
    }
    // Each of them needs 12 MiB and more, and 64 MiB are there.
    let refused = tokio::time::timeout(PATIENCE, refused.recv()).await;
    let refused = refused.expect("one is refused in time").unwrap();
    assert_eq!(refused, (503, "answers_too_large".to_owned()));
    waiting.shutdown().await;
    backend.set_script(Script::default());
    let deadline = std::time::Instant::now() + PATIENCE;
    while client.post("/v1/responses", WHOLE).await.status != 200 {
        assert!(std::time::Instant::now() < deadline, "the room comes back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn comments_of_a_stream_reach_a_client_whose_events_are_rewritten() {
    let raw = json!({"raw": [
        ": first\n\n",
        "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{}}\n\n",
        ": second\n\ndata: {\"type\":\"response.completed\",\"response\":{\"output\":[]}}\n\n",
    ]});
    let backend = DevBackend::start(Options::new().script(script(&raw))).unwrap();
    let gateway = Gateway::start(&backend, &[]).await;
    let body = r#"{"model":"gpt-5.5","input":"Hello","stream":true}"#;
    let answer = gateway.client().post("/v1/responses", body).await;
    for line in [": first", ": second"] {
        assert!(answer.body.lines().any(|it| it == line), "{answer:?}");
    }
    assert!(answer.body.contains("response.completed"), "{answer:?}");
}
