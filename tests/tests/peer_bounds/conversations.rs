//! Threads, and the conversations in them.

use std::time::Duration;

use byokey_dev_backend::Route;
use byokey_tests::turns::{backend, script};
use serde_json::{Value, json};

use super::{Stage, say, thread};

// Row: what one client may cost
#[tokio::test]
async fn a_turn_that_is_refused_has_no_thread_forgotten() {
    let backend = backend();
    let gate = backend.hold(Route::Responses);
    let mut stage = Stage::set(&backend).await;
    let host = &mut stage.host;
    let busy = thread(host, 100_000).await;
    for _ in 0..3 {
        thread(host, 1_040_000).await;
    }
    let turn = |text: &str| {
        let input = json!([{"type": "text", "text": text}]);
        json!({"threadId": busy, "input": input})
    };
    host.request("turn/start", turn("Hello")).await.unwrap();
    let refused = host.request("turn/start", turn(&"x".repeat(1_040_000)));
    assert_eq!(refused.await.unwrap_err().kind(), "turnInProgress");
    let loaded = host.request("thread/loaded/list", json!({})).await.unwrap();
    assert_eq!(loaded["data"].as_array().unwrap().len(), 4);
    gate.release();
}

// Row: what one client may cost
#[tokio::test]
async fn conversations_are_bounded_and_the_longest_unused_are_forgotten() {
    let backend = backend();
    let mut stage = Stage::set(&backend).await;
    let host = &mut stage.host;
    let kept = thread(host, 10).await;
    let mut first = Value::Null;
    for number in 0..30 {
        let new = thread(host, 1_000_000).await;
        if number == 0 {
            first = new;
        }
        // The one that goes on is not the longest unused.
        if number % 3 == 0 {
            tokio::time::sleep(Duration::from_millis(1100)).await;
            assert_eq!(
                say(host, &kept, "Hello").await.unwrap()["status"],
                "completed"
            );
        }
    }
    let forgotten = say(host, &first, "Hello").await.unwrap_err();
    assert_eq!(forgotten.kind(), "notFound", "{forgotten:?}");
    for _ in 0..1100 {
        thread(host, 0).await;
    }
    let loaded = host.request("thread/loaded/list", json!({})).await.unwrap();
    assert_eq!(loaded["data"].as_array().unwrap().len(), 1024);
    stage.check("1,100 threads, 30 of 1 MB");
}

#[tokio::test]
async fn one_conversation_is_bounded_and_ends_with_words_that_say_so() {
    let backend = backend();
    backend.set_script(script(
        "responses",
        &json!([{"text": ["Yes."], "repeat": 0}]),
    ));
    let mut stage = Stage::set(&backend).await;
    let host = &mut stage.host;
    let long = thread(host, 10).await;
    // Characters that take six bytes on the wire count as such.
    let text = "\u{1}".repeat(160_000);
    for _ in 0..3 {
        let ended = say(host, &long, &text).await.unwrap();
        assert_eq!(ended["status"], "completed");
    }
    let refused = say(host, &long, &text).await.unwrap_err();
    assert_eq!(refused.kind(), "contextWindowExceeded", "{refused:?}");
    let said = "the conversation is longer than 3 MiB; start a new thread";
    assert_eq!(refused.message, said);
    let ended = say(host, &long, "Hello").await.unwrap();
    assert_eq!(ended["status"], "completed");
    let resumed = host.request("thread/resume", json!({"threadId": long}));
    let turns = resumed.await.unwrap()["thread"]["turns"].take();
    assert_eq!(turns.as_array().unwrap().len(), 4);
    let refused = say(host, &long, &"x".repeat(1024 * 1024 + 1)).await;
    assert_eq!(refused.unwrap_err().data["path"], "input");
    stage.check("a conversation of 3 MB");
}
