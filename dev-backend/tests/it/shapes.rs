//! The odd forms of a successful stream.

use serde_json::{Value, json};

use crate::support::*;

const DELTA: &str = "response.output_text.delta";

#[tokio::test]
async fn a_stream_has_no_content_type() {
    let backend = start_with(json!({"routes": {"responses": [
        {}, {"text": ["a"]}, {"events": [{"type": "response.created"}]}, {"preset": "cyber"},
        {"text": ["a"], "headers": {"content-type": "text/event-stream"}},
    ]}}));
    for expected in ["", "", "", "", "text/event-stream", ""] {
        let answer = call(&backend, post(RESPONSES, Some("t"), &turn("x"))).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (200, expected)
        );
    }
}

#[tokio::test]
async fn rate_limits_are_the_first_event() {
    let backend = start();
    let answer = chatgpt(&backend, "t", &turn("x")).await;
    let first = &answer.events()[0];
    assert_eq!(first["type"], "codex.rate_limits");
    assert_eq!(first["plan_type"], "pro");
    assert_eq!(first["rate_limits"]["limit_reached"], false);
    assert_eq!(first["rate_limits"]["primary"]["used_percent"], 43);
    assert_eq!(first["rate_limits"]["secondary"]["window_minutes"], 10_080);
}

#[tokio::test]
async fn events_come_in_the_measured_order_with_numbers_and_a_phase() {
    let backend = start();
    let answer = chatgpt(&backend, "t", &turn("hi")).await;
    assert_eq!(
        answer.event_types(),
        [
            "codex.rate_limits",
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            DELTA,
            DELTA,
            DELTA,
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    let events = answer.events();
    let numbers: Vec<_> = events[1..]
        .iter()
        .map(|event| event["sequence_number"].as_u64())
        .collect();
    assert_eq!(numbers, (0..11).map(Some).collect::<Vec<_>>());
    assert_eq!(events[10]["item"]["phase"], "final_answer");
    assert_eq!(events[10]["item"]["content"][0]["text"], "You said: hi");
}

#[tokio::test]
async fn the_last_event_has_no_output_and_additions_that_were_not_asked_for() {
    let backend = start();
    let mut body = turn("x");
    body["service_tier"] = "priority".into();
    let events = chatgpt(&backend, "t", &body).await.events();
    let response = &events.last().unwrap()["response"];
    assert_eq!(response["output"], json!([]));
    assert_eq!(response["service_tier"], "default");
    assert_eq!(response["reasoning"]["context"], "all_turns");
    assert_eq!(response["reasoning"]["summary"], "detailed");
}

#[tokio::test]
async fn an_answer_says_what_it_is_in_its_headers() {
    let backend = start();
    let answer = chatgpt(&backend, "t", &turn("x")).await;
    let list = call(&backend, get(MODELS, Some("t"))).await;
    assert_eq!(answer.header("x-models-etag"), list.header("etag"));
    assert_eq!(answer.header("openai-model"), "gpt-6.2-sol");
    for name in [
        "x-request-id",
        "x-oai-request-id",
        "openai-processing-ms",
        "cf-ray",
    ] {
        assert_ne!(answer.header(name), "", "{name}");
    }
    let cookies = answer.headers.get_all("set-cookie").iter();
    let cookies: Vec<_> = cookies
        .map(|value| value.to_str().unwrap().to_owned())
        .collect();
    assert!(
        cookies[0].starts_with("__cf_bm=") && cookies[1].starts_with("__cflb="),
        "{cookies:?}"
    );
}

#[tokio::test]
async fn the_api_and_a_backend_that_is_not_odd_have_the_documented_shape() {
    let plain = start_with(json!({"settings": {"odd": false}}));
    for (backend, bearer) in [(&start(), "sk-made-up"), (&plain, "t")] {
        let answer = call(backend, post(RESPONSES, Some(bearer), &turn("x"))).await;
        assert_eq!(answer.header("content-type"), "text/event-stream");
        let events = answer.events();
        assert_eq!(events[0]["type"], "response.created");
        let output = &events.last().unwrap()["response"]["output"];
        assert_eq!(output[0]["content"][0]["text"], "You said: x");
    }
    let answer = call(&start(), post(RESPONSES, Some("sk-made-up"), &turn("x"))).await;
    let mut names = answer.headers.keys();
    assert!(!names.any(|name| name.as_str().starts_with("x-codex-")));
}

#[tokio::test]
async fn reasoning_comes_first_when_it_is_asked_for() {
    let backend = start();
    let mut body = turn("x");
    body["include"] = json!(["reasoning.encrypted_content"]);
    let events = chatgpt(&backend, "t", &body).await.events();
    let items: Vec<&Value> = events
        .iter()
        .filter(|event| event["type"] == "response.output_item.done")
        .collect();
    assert_eq!(items[0]["item"]["type"], "reasoning");
    assert!(items[0]["item"]["encrypted_content"].is_string());
    assert_eq!(
        (&items[0]["output_index"], &items[1]["output_index"]),
        (&json!(0), &json!(1))
    );
    let without = chatgpt(&backend, "t", &turn("x")).await;
    assert!(!without.body.contains("reasoning\","), "{}", without.body);
}
