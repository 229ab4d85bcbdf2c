//! Features of scripts.

use std::time::{Duration, Instant};

use crate::support::*;
use byokey_dev_backend::{Route, Script};
use http_body_util::BodyExt;
use serde_json::{Value, json};

fn responses(steps: Value) -> Value {
    json!({"routes": {"responses": steps}})
}

async fn reply(backend: &byokey_dev_backend::DevBackend) -> Answer {
    call(backend, post(RESPONSES, Some("t"), &turn("x"))).await
}

#[tokio::test]
async fn steps_come_in_order_and_then_the_default() {
    let backend = start_with(json!({"routes": {"usage": [
        {"status": 429, "headers": {"Retry-After": "7"}, "body": {"error": {"type": "slow"}}},
        {"status": 502, "body": "<html>", "headers": {"content-type": "text/html"}},
        {"status": 503, "repeat": 2},
        {"status": 204},
    ]}}));
    let next = async || call(&backend, get(USAGE, Some("t"))).await;

    let answer = next().await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("retry-after")),
        (429, "7")
    );
    assert_eq!(answer.json(), json!({"error": {"type": "slow"}}));
    let answer = next().await;
    assert_eq!((answer.status.as_u16(), &*answer.body), (502, "<html>"));
    assert_eq!(answer.headers.get_all("content-type").iter().count(), 1);
    assert_eq!(answer.header("content-type"), "text/html");
    for _ in 0..2 {
        let answer = next().await;
        assert_eq!(answer.status, 503);
        assert_eq!(answer.json()["error"]["message"], "service unavailable");
    }
    assert_eq!(next().await.status, 204);
    assert_eq!(next().await.json()["plan_type"], "pro");
    // Other routes have steps of their own.
    assert_eq!(call(&backend, get(PROFILE, Some("t"))).await.status, 200);
}

#[tokio::test]
async fn text_becomes_a_whole_reply() {
    let usage = json!({"inputTokens": 10, "cachedInputTokens": 4, "outputTokens": 2,
                       "reasoningOutputTokens": 1});
    let backend = start_with(responses(json!([
        {"text": ["Hel", "lo"], "usage": usage, "headers": {"x-test": "yes"}},
    ])));
    let answer = reply(&backend).await;
    assert_eq!(answer.header("x-test"), "yes");
    assert_eq!(
        answer.header("x-codex-primary-used-percent"),
        "",
        "only what is written"
    );
    let events = answer.events();
    assert_eq!(events.len(), 10);
    assert_eq!(events[8]["item"]["content"][0]["text"], "Hello");
    assert_eq!(
        events[9]["response"]["usage"],
        json!({"input_tokens": 10,
               "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
               "output_tokens": 2, "output_tokens_details": {"reasoning_tokens": 1},
               "total_tokens": 12, "attribution": {"made_up": true}})
    );
    let ids: Vec<_> = events
        .iter()
        .map(|event| event["sequence_number"].as_u64())
        .collect();
    assert_eq!(ids, (0..10).map(Some).collect::<Vec<_>>());
}

#[tokio::test]
async fn events_are_played_as_written() {
    let created = json!({"type": "response.created", "response": {"id": "r"}});
    let backend = start_with(responses(json!([
        {"events": [created]},
        {"events": [created, "not json"]},
    ])));
    let answer = reply(&backend).await;
    assert_eq!(answer.events(), [created]);
    assert!(answer.whole, "a stream that ends early still ends properly");
    assert!(
        reply(&backend)
            .await
            .body
            .ends_with("\n\ndata: not json\n\n")
    );
}

#[tokio::test]
async fn a_connection_is_dropped_before_the_answer_or_after_the_events() {
    let backend = start_with(responses(json!([
        {"drop": true},
        {"text": ["a", "b"], "drop": true},
        {"events": [{"type": "response.created"}], "drop": true},
    ])));
    let request = post(RESPONSES, Some("t"), &turn("x"));
    assert!(try_call(&backend, request).await.is_err());

    let answer = reply(&backend).await;
    assert!(!answer.whole);
    assert_eq!(
        answer.event_types().len(),
        6,
        "all up to the last piece: {answer:?}"
    );
    let answer = reply(&backend).await;
    assert!(!answer.whole);
    assert_eq!(answer.event_types(), ["response.created"]);
}

#[tokio::test]
async fn a_hanging_request_is_seen_but_not_answered() {
    let backend = start_with(responses(
        json!([{"hang": true}, {"text": ["a"], "hang": true}]),
    ));
    let request = post(RESPONSES, Some("t"), &turn("x"));
    let hanging = open(&backend, request.clone());
    tokio::select! {
        answer = hanging => panic!("should hang: {answer:?}"),
        () = async {
            soon(backend.wait_for(Route::Responses, 1)).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        } => {}
    }
    let mut body = open(&backend, request).await.unwrap().into_body();
    for _ in 0..5 {
        soon(body.frame()).await.unwrap().unwrap();
    }
    assert!(
        tokio::time::timeout(Duration::from_millis(100), body.frame())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn delays_come_before_the_answer_and_between_the_events() {
    let backend = start_with(json!({"routes": {
        "usage": [{"delayMs": 150}],
        "responses": [{"text": ["a", "b"], "deltaDelayMs": 100}],
    }}));
    let started = Instant::now();
    call(&backend, get(USAGE, Some("t"))).await;
    assert!(started.elapsed() >= Duration::from_millis(150));

    let request = post(RESPONSES, Some("t"), &turn("x"));
    let started = Instant::now();
    let mut body = open(&backend, request).await.unwrap().into_body();
    let mut frames = 0;
    while let Some(frame) = soon(body.frame()).await {
        assert!(started.elapsed() >= Duration::from_millis(100) * frames);
        let frame = frame.unwrap();
        assert!(
            frame.data_ref().unwrap().ends_with(b"\n\n"),
            "one event at a time"
        );
        frames += 1;
    }
    assert_eq!(frames, 10);
}

#[tokio::test]
async fn a_new_script_replaces_the_old_one() {
    let backend = start_with(json!({"routes": {"usage": [{"status": 500, "repeat": 0}]},
                                    "rejectedBearers": ["bad"]}));
    assert_eq!(call(&backend, get(USAGE, Some("bad"))).await.status, 401);
    assert_eq!(call(&backend, get(USAGE, Some("t"))).await.status, 500);
    backend.set_script(Script::default());
    assert_eq!(call(&backend, get(USAGE, Some("bad"))).await.status, 200);
}

#[test]
fn a_mistake_in_a_script_is_named_with_its_place() {
    let cases = [
        (json!({"route": {}}), "unknown field `route`"),
        (
            json!({"routes": {"respones": []}}),
            "routes.respones: no such route, expected one of",
        ),
        (
            json!({"routes": {"usage": [{}, {"stauts": 1}]}}),
            "routes.usage[1]: unknown field `stauts`",
        ),
        (
            responses(json!([{"text": ["a"], "usage": {"input": 1}}])),
            "unknown field `input`",
        ),
        (
            responses(json!([{"text": "a"}])),
            "invalid type: string \"a\", expected a sequence",
        ),
        (
            responses(json!([{"status": 200, "text": []}])),
            "`status` and `text` do not go together",
        ),
        (
            responses(json!([{"body": 1, "hang": true}])),
            "`body` and `hang` do not go together",
        ),
        (
            responses(json!([{"hang": true, "drop": true}])),
            "`hang` and `drop` do not go together",
        ),
        (responses(json!([{"usage": {}}])), "`usage` needs `text`"),
        (
            responses(json!([{"events": [{}, 1]}])),
            "events[1] is neither an object nor a string",
        ),
        (
            responses(json!([{"status": 101}])),
            "status 101 is not within 200 to 599",
        ),
        (
            responses(json!([{"headers": {"a b": "c"}}])),
            "header `a b`: its name is not valid",
        ),
        (
            responses(json!([{"headers": {"a": "b\nc"}}])),
            "header `a`: its value is not valid",
        ),
        (
            responses(json!([{"headers": {"Content-Length": "1"}}])),
            "it is set by the server",
        ),
        (
            json!({"rejectedBearers": "secret"}),
            "rejectedBearers must be a list of strings",
        ),
    ];
    for (script, expected) in cases {
        let error = Script::from_value(script.clone()).unwrap_err().to_string();
        assert!(
            error.starts_with("bad script: ") && error.contains(expected),
            "{error}"
        );
        assert!(!error.contains("secret"), "{error}");
        // As a part of another document it has the same meaning.
        let error = serde_json::from_value::<Script>(script)
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
    }
    let error = Script::from_json("{").unwrap_err().to_string();
    assert!(error.contains("line 1"), "{error}");
}

#[test]
fn a_script_does_not_show_its_bearers() {
    let script = Script::from_value(json!({"rejectedBearers": ["secret"]})).unwrap();
    assert!(!format!("{script:?}").contains("secret"));
}

#[test]
fn the_examples_of_the_readme_are_scripts() {
    let readme = include_str!("../../README.md");
    let examples = readme
        .split("```json\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap());
    let count = examples
        .inspect(|text| drop(Script::from_json(text).expect(text)))
        .count();
    assert_eq!(count, 2);
}
