//! Bounds on responses of a backend, in memory and in time, with an error that names the limit.
//! Each test prints the growth of the memory, in the gate that of the program that ships.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "figures are part of what a test tells")]

use std::time::{Duration, Instant};

use byokey_dev_backend::{DevBackend, Route};
use byokey_tests::turns::{backend, begin_turn, rate_limits, script, signed_in_with, text, turn};
use byokey_tests::{Host, ProcessStatus, Server, Setup, byokey_measured};
use serde_json::{Value, json};

/// The allowed growth of the memory, in KiB.
const MOST: u64 = 16 * 1024;

async fn signed_in(backend: &DevBackend, settings: &[&str]) -> (Server, Host) {
    let setup = Setup::default().program(byokey_measured());
    signed_in_with(setup, backend, settings).await
}

/// Reads until the turn has ended, so that nothing blocks, and returns its end.
async fn drained_turn(host: &mut Host) -> Value {
    begin_turn(host).await;
    loop {
        let mut message = host.next().await.unwrap();
        if message["method"] == "turn/completed" {
            return message["params"]["turn"].take();
        }
    }
}

fn grown(server: &Server, before: &ProcessStatus, what: &str) {
    let after = ProcessStatus::of(server.pid());
    let grown = after.resident_peak.saturating_sub(before.resident);
    println!("figure: {what}: peak memory +{grown} KiB");
    assert!(grown <= MOST, "{what}: {grown} KiB");
}

#[tokio::test]
async fn an_endless_stream_fails_the_turn_with_the_limit_after_one_request() {
    for (endless, limit) in [
        ("line", "an event of the stream is longer than 4 MiB"),
        ("event", "an event of the stream is longer than 4 MiB"),
        ("deltas", "the text of the answer is longer than 1 MiB"),
        ("messages", "the answer has more than 1024 messages"),
    ] {
        let backend = backend();
        let (server, mut host) =
            signed_in(&backend, &["model_providers.mock.stream_max_retries=3"]).await;
        assert_eq!(drained_turn(&mut host).await["status"], "completed");
        backend.clear_requests();
        let before = ProcessStatus::of(server.pid());
        backend.set_script(script(
            "responses",
            &json!([{"endless": endless, "repeat": 0}]),
        ));
        let ended = drained_turn(&mut host).await;
        assert_eq!(ended["status"], "failed", "{endless}");
        assert_eq!(ended["error"]["message"], limit, "{endless}");
        assert_eq!(backend.count(Route::Responses), 1, "{endless}");
        grown(&server, &before, &format!("endless {endless}"));
    }
}

#[tokio::test]
async fn endless_rate_limits_cost_no_memory_and_the_turn_can_be_interrupted() {
    for endless in ["rateLimits", "comments", "unknown"] {
        let backend = backend();
        let (server, mut host) = signed_in(&backend, &[]).await;
        assert_eq!(drained_turn(&mut host).await["status"], "completed");
        let before = ProcessStatus::of(server.pid());
        backend.set_script(script("responses", &json!([{"endless": endless}])));
        let turn = begin_turn(&mut host).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        grown(&server, &before, &format!("endless {endless} for 3 s"));
        // A fast machine has reached the limit of the whole response by now.
        let is_over = host.request("turn/interrupt", turn).await.is_err();
        let ended = host.notification("turn/completed").await;
        let limit = "the streamed answer is longer than 256 MiB";
        assert_eq!(
            ended["turn"]["error"]["message"] == limit,
            is_over,
            "{ended}"
        );
    }
}

#[tokio::test]
async fn a_large_answer_within_the_limits_arrives_whole() {
    let backend = backend();
    let (server, mut host) = signed_in(&backend, &[]).await;
    let before = ProcessStatus::of(server.pid());
    let piece = "ä".repeat(50_000);
    let pieces = vec![piece.as_str(); 10];
    backend.set_script(script("responses", &json!([{"text": pieces}])));
    let ended = turn(&mut host).await;
    assert_eq!(ended["status"], "completed");
    assert_eq!(text(&ended).len(), 1_000_000);
    grown(&server, &before, "an answer of 1 MB");
}

#[tokio::test]
async fn endless_documents_are_refused_by_the_limit() {
    for (method, route) in [
        ("account/rateLimits/read", "usage"),
        ("account/usage/read", "profile"),
        ("model/list", "models"),
    ] {
        for endless in ["body", "elements"] {
            let backend = backend();
            let (server, mut host) = signed_in(&backend, &[]).await;
            host.request("account/read", json!({})).await.unwrap();
            rate_limits(&mut host).await.unwrap();
            let before = ProcessStatus::of(server.pid());
            backend.set_script(script(route, &json!([{"endless": endless, "repeat": 0}])));
            let failed = host.request(method, json!({})).await.unwrap_err();
            grown(&server, &before, &format!("{method}, endless {endless}"));
            assert_eq!(failed.kind(), "answerTooLarge", "{failed:?}");
            assert!(
                failed
                    .message
                    .ends_with("the backend's answer is longer than 4 MiB"),
                "{failed:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_document_of_many_elements_costs_no_more_than_its_text() {
    let backend = backend();
    let (server, mut host) = signed_in(&backend, &[]).await;
    rate_limits(&mut host).await.unwrap();
    let before = ProcessStatus::of(server.pid());
    let models: Vec<_> = (0..100_000)
        .map(|id| json!({"slug": format!("m{id}")}))
        .collect();
    backend.set_script(script("models", &json!([{"body": {"models": models}}])));
    let read = host.request("model/list", json!({})).await;
    grown(&server, &before, "100,000 models");
    assert_eq!(read.unwrap()["data"].as_array().unwrap().len(), 512);
    let ones = vec![1; 1_900_000];
    let usage = json!([{"body": {"plan_type": ones, "rate_limit": {"primary_window": {"used_percent": 4}}}}]);
    backend.set_script(script("usage", &usage));
    let read = rate_limits(&mut host).await;
    grown(
        &server,
        &before,
        "3.8 MB of elements in a member of another type",
    );
    assert_eq!(read.unwrap()["rateLimits"]["primary"]["usedPercent"], 4);
}

#[tokio::test]
async fn a_dripping_document_is_given_up_in_time_and_holds_up_no_other_call() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    let drip = json!([{"endless": "body", "dripMs": 500, "repeat": 0}]);
    backend.set_script(script("usage", &drip));
    let begun = Instant::now();
    let call = host.start("account/rateLimits/read", json!({})).await;
    host.request("account/usage/read", json!({})).await.unwrap();
    let failed = host.answer(call).await.unwrap_err();
    assert_eq!(failed.kind(), "retryable", "{failed:?}");
    let waited = begun.elapsed();
    assert!(
        waited >= Duration::from_millis(9_900),
        "gave up after {waited:?}"
    );
}

#[tokio::test]
async fn a_call_holds_its_place_until_its_body_is_read_and_waits_for_one_in_time() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    let drip = json!([{"endless": "body", "dripMs": 1000, "repeat": 0}]);
    backend.set_script(script("usage", &drip));
    let begun = Instant::now();
    let mut calls = Vec::new();
    for _ in 0..70 {
        calls.push(host.start("account/rateLimits/read", json!({})).await);
    }
    backend.wait_for(Route::Usage, 64).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        backend.count(Route::Usage),
        64,
        "more than 64 bodies at once"
    );
    for call in calls {
        assert_eq!(host.answer(call).await.unwrap_err().kind(), "retryable");
    }
    let waited = begun.elapsed();
    // The deadlines do not add up.
    assert!(waited < Duration::from_secs(18), "{waited:?}");
}
