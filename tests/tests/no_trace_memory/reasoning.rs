//! Encrypted reasoning: the model's thoughts, in memory as long as a thread may send them back.

use byokey_dev_backend::{DevBackend, Script};
use byokey_tests::{MadeUp, Subject};
use serde_json::{Value, json};

use crate::support::{ORDINARY, backend};

/// Starts a thread with this model.
async fn thread(subject: &mut Subject, model: &str) -> Value {
    let params = json!({"model": model});
    let started = subject.host.request("thread/start", params).await.unwrap();
    started["thread"]["id"].clone()
}

async fn turn(subject: &mut Subject, thread: &Value, model: &str) {
    let input = json!([{"type": "text", "text": "Hello"}]);
    let params = json!({"threadId": thread, "input": input, "model": model});
    subject.host.request("turn/start", params).await.unwrap();
    let completed = subject.host.notification("turn/completed").await;
    assert_eq!(completed["turn"]["status"], "completed", "{completed}");
}

/// Has the model think this, once; its later answers bring no reasoning.
fn think(backend: &DevBackend, thought: &MadeUp) {
    let message = json!({"type": "response.output_item.done", "item": {"type": "message",
        "role": "assistant", "id": "msg_1", "content": [{"type": "output_text", "text": "x"}]}});
    let reasoning = json!({"type": "response.output_item.done", "item": {"type": "reasoning",
        "id": "rs_1", "summary": [], "encrypted_content": thought.text}});
    let completed = json!({"type": "response.completed", "response": {}});
    let thinks = json!({"events": [reasoning, message, completed]});
    let plain = json!({"events": [message, completed]});
    let steps: Vec<_> = std::iter::once(thinks).chain(vec![plain; 8]).collect();
    let script = json!({"routes": {"responses": steps}});
    backend.set_script(Script::from_value(script).unwrap());
}

/// Starts a thread whose model thought this, and sends it back once. Fails if it is not in memory
/// then: the rest would show nothing.
async fn thread_with(
    backend: &DevBackend,
    subject: &mut Subject,
    thought: &MadeUp,
    model: &str,
) -> Value {
    think(backend, thought);
    let thread = thread(subject, model).await;
    turn(subject, &thread, model).await;
    turn(subject, &thread, model).await;
    let places = subject.memory().places(&thought.text);
    assert!(!places.is_empty(), "the thought is sent back");
    thread
}

#[tokio::test]
async fn reasoning_is_wiped_when_the_family_of_models_changes() {
    let backend = backend();
    let mut subject = Subject::new(&backend).await;
    subject.login(&MadeUp::jwt("family-login", ORDINARY)).await;
    let thought = MadeUp::jwt("family", ORDINARY);
    let thread = thread_with(&backend, &mut subject, &thought, "gpt-6.2-sol").await;
    turn(&mut subject, &thread, "gpt-6.1-sol").await;
    subject.assert_gone(&thought, "of another family").await;
}

#[tokio::test]
async fn reasoning_is_wiped_when_the_account_changes() {
    let backend = backend();
    let mut subject = Subject::new(&backend).await;
    subject.login(&MadeUp::jwt("account-login", ORDINARY)).await;
    let thought = MadeUp::jwt("account", ORDINARY);
    let thread = thread_with(&backend, &mut subject, &thought, "gpt-6.2-sol").await;
    let other = MadeUp::jwt("account-other", ORDINARY);
    subject.host.login(&other.text, "ws-other").await;
    turn(&mut subject, &thread, "gpt-6.2-sol").await;
    subject.assert_gone(&thought, "of another account").await;
}

#[tokio::test]
async fn reasoning_is_wiped_with_its_thread() {
    let backend = backend();
    let mut subject = Subject::new(&backend).await;
    subject.login(&MadeUp::jwt("thread-login", ORDINARY)).await;
    let thought = MadeUp::jwt("thread", ORDINARY);
    let thread = thread_with(&backend, &mut subject, &thought, "gpt-6.2-sol").await;
    // The least recently used thread is forgotten for the newest: see `docs/limits.md`.
    let newer = 1_024;
    for _ in 0..newer {
        self::thread(&mut subject, "gpt-6.2-sol").await;
    }
    let input = json!([{"type": "text", "text": "Hello"}]);
    let params = json!({"threadId": thread, "input": input});
    let refused = subject.host.request("turn/start", params).await;
    assert_eq!(refused.unwrap_err().kind(), "notFound", "it is forgotten");
    subject.assert_gone(&thought, "of a forgotten thread").await;
}
