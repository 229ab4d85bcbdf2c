//! F1: the host closes our input.

use std::time::{Duration, Instant};

use byokey_dev_backend::Route;
use serde_json::{Value, json};

use crate::{LIMITS, REFRESH, Stage};

// Row: end of input, idle
#[tokio::test]
async fn idle_the_server_ends_at_once() {
    let mut stage = Stage::start().await;
    let closed = Instant::now();
    stage.host.close_input();
    stage.ends_within(Duration::from_secs(1), closed).await;
}

// Row: end of input, calls in flight
#[tokio::test]
async fn calls_in_flight_are_answered_before_the_end() {
    let mut stage = Stage::start().await;
    let held = stage.backend.hold(Route::Usage);
    for _ in 0..50 {
        stage.host.start(LIMITS, json!({})).await;
    }
    held.wait_for(50).await;
    stage.host.close_input();
    held.release();
    let answers = stage.host.rest().await;
    let results = answers.iter().filter(|answer| answer["result"].is_object());
    assert_eq!(results.count(), 50);
    assert_eq!(stage.server.exit_code().await, Some(0));
}

#[tokio::test]
async fn calls_that_do_not_end_are_answered_with_an_error() {
    let mut stage = Stage::start().await;
    let held = stage.backend.hold(Route::Usage);
    let call = stage.host.start(LIMITS, json!({})).await;
    held.wait_for(1).await;
    let closed = Instant::now();
    stage.host.close_input();
    let refused = stage.host.answer(call).await.unwrap_err();
    assert_eq!((refused.code, refused.kind()), (-32800, "cancelled"));
    stage.ends_within(Duration::from_secs(6), closed).await;
}

// Row: end of input, a refresh pending
#[tokio::test]
async fn a_pending_refresh_ends_with_the_input() {
    let mut stage = Stage::start().await;
    stage.backend.reject_bearer(&stage.token);
    let call = stage.host.start(LIMITS, json!({})).await;
    stage.host.asked(REFRESH).await;
    let closed = Instant::now();
    stage.host.close_input();
    let refused = stage.host.answer(call).await.unwrap_err();
    assert_eq!(refused.kind(), "hostGone", "{refused:?}");
    stage.ends_within(Duration::from_secs(1), closed).await;
}

#[tokio::test]
async fn a_host_that_cannot_answer_any_more_is_not_asked() {
    let mut stage = Stage::start().await;
    let held = stage.backend.hold(Route::Usage);
    let call = stage.host.start(LIMITS, json!({})).await;
    held.wait_for(1).await;
    stage.host.close_input();
    tokio::time::sleep(Duration::from_millis(100)).await;
    stage.backend.reject_bearer(&stage.token);
    let released = Instant::now();
    held.release();
    let answers = stage.host.rest().await;
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(answers[0]["id"], call);
    assert_eq!(answers[0]["error"]["data"]["kind"], "hostGone");
    stage.ends_within(Duration::from_secs(1), released).await;
}

#[tokio::test]
async fn a_turn_in_progress_is_reported_to_its_end() {
    let mut stage = Stage::start().await;
    let started = stage.host.request("thread/start", json!({})).await;
    let thread = started.unwrap()["thread"]["id"].take();
    let held = stage.backend.hold(Route::Responses);
    let input = json!([{"type": "text", "text": "Hello"}]);
    let params = json!({"threadId": thread, "input": input});
    stage.host.request("turn/start", params).await.unwrap();
    held.wait_for(1).await;
    stage.host.close_input();
    held.release();
    let rest = stage.host.rest().await;
    let completed: Vec<&Value> = rest
        .iter()
        .filter(|message| message["method"] == "turn/completed")
        .collect();
    assert_eq!(completed.len(), 1, "{rest:?}");
    assert_eq!(completed[0]["params"]["turn"]["status"], "completed");
    assert_eq!(stage.server.exit_code().await, Some(0));
}
