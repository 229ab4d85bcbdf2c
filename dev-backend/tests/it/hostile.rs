//! Responses of broken and hostile senders.

use std::time::{Duration, Instant};

use crate::support::*;
use http_body_util::BodyExt;
use serde_json::json;

#[tokio::test]
async fn raw_pieces_are_sent_as_they_stand() {
    let raw = json!([": comment\r\n\r\n", "data: {}"]);
    let backend = start_with(json!({"routes": {"usage": [{"raw": raw}]}}));
    let answer = call(&backend, get(USAGE, Some("t"))).await;
    assert_eq!(answer.body, ": comment\r\n\r\ndata: {}");
    assert_eq!(answer.header("content-type"), "text/event-stream");
}

#[tokio::test]
async fn answers_without_an_end_go_on() {
    let kinds = [
        "body",
        "elements",
        "line",
        "event",
        "comments",
        "unknown",
        "deltas",
        "messages",
        "rateLimits",
    ];
    for kind in kinds {
        let backend = start_with(json!({"routes": {"usage": [{"endless": kind}]}}));
        let answer = open(&backend, get(USAGE, Some("t"))).await.unwrap();
        let mut body = answer.into_body();
        let mut read = 0;
        while read < 100_000 {
            let frame = soon(body.frame()).await.expect(kind).unwrap();
            read += frame.data_ref().unwrap().len();
        }
    }
}

#[tokio::test]
async fn errors_without_an_end_have_their_status() {
    for status in [400, 404, 503] {
        let step = json!({"endless": "body", "status": status});
        let backend = start_with(json!({"routes": {"usage": [step]}}));
        let answer = open(&backend, get(USAGE, Some("t"))).await.unwrap();
        assert_eq!(answer.status(), status);
        let mut body = answer.into_body();
        let first = soon(body.frame()).await.unwrap().unwrap();
        let first = first.into_data().unwrap();
        assert!(
            first.starts_with(b"{\"error\":{\"message\":\""),
            "{first:?}"
        );
        let mut read = 0;
        while read < 100_000 {
            let frame = soon(body.frame()).await.unwrap().unwrap();
            read += frame.data_ref().unwrap().len();
        }
    }
}

#[tokio::test]
async fn a_dripping_answer_comes_byte_by_byte() {
    let step = json!({"body": {"a": 1}, "dripMs": 20});
    let backend = start_with(json!({"routes": {"usage": [step]}}));
    let begun = Instant::now();
    let answer = call(&backend, get(USAGE, Some("t"))).await;
    assert_eq!(answer.json(), json!({"a": 1}));
    assert!(begun.elapsed() >= Duration::from_millis(6 * 20));
}
