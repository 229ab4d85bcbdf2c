//! Odd responses of real backends and gateways: valid parts are used.

use byokey_dev_backend::Route;
use byokey_tests::turns::{backend, begin_turn, rate_limits, script, signed_in, text, turn};
use serde_json::{Value, json};

/// Returns the text of a stream: its events, each with its blank line.
fn stream(events: &[Value]) -> String {
    events
        .iter()
        .map(|event| format!("data: {event}\n\n"))
        .collect()
}

fn message(content: &Value) -> Value {
    json!({"type": "response.output_item.done",
        "item": {"type": "message", "role": "assistant", "id": "msg-1", "content": content}})
}

fn four() -> Value {
    message(&json!([{"type": "output_text", "text": "four"}]))
}

fn completed(usage: &Value) -> Value {
    json!({"type": "response.completed", "response": {"id": "resp-1", "usage": usage}})
}

#[tokio::test]
async fn the_last_event_counts_without_a_blank_line_and_lines_end_as_they_like() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    let whole = stream(&[four(), completed(&Value::Null)]);
    for raw in [
        whole.trim_end().to_owned(),
        whole.replace('\n', "\r\n").trim_end().to_owned(),
        whole.replace('\n', "\r"),
        format!("\u{feff}: hello\n\n{whole}data: [DONE]\n\n"),
    ] {
        backend.clear_requests();
        backend.set_script(script("responses", &json!([{"raw": [raw]}])));
        let ended = turn(&mut host).await;
        assert_eq!(ended["status"], "completed", "{raw:?}: {ended}");
        assert_eq!(text(&ended), "four", "{raw:?}");
        assert_eq!(backend.count(Route::Responses), 1, "{raw:?}");
    }
}

#[tokio::test]
async fn comments_are_signs_of_life_and_silence_is_none() {
    let backend = backend();
    let idle = "model_providers.mock.stream_idle_timeout_ms=2000";
    let (_server, mut host) = signed_in(&backend, &[idle]).await;
    let mut raw = vec![": keepalive\n\n".to_owned(); 12];
    raw.push(stream(&[four(), completed(&Value::Null)]));
    let steps = json!([{"raw": raw, "deltaDelayMs": 400}]);
    backend.set_script(script("responses", &steps));
    assert_eq!(turn(&mut host).await["status"], "completed");
    let steps = json!([{"raw": [": keepalive\n\n"], "hang": true, "repeat": 0}]);
    backend.set_script(script("responses", &steps));
    let ended = turn(&mut host).await;
    let message = ended["error"]["message"].as_str().unwrap();
    assert!(message.contains("idle timeout"), "{ended}");
}

#[tokio::test]
async fn counters_of_any_type_leave_the_answer_whole() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    for (usage, expected) in [
        (json!(null), None),
        (json!("none"), None),
        (
            json!({"input_tokens": null, "output_tokens": null, "total_tokens": null}),
            Some([0, 0, 0, 0]),
        ),
        (
            json!({"input_tokens": 9.0, "output_tokens": "1", "total_tokens": 10.0,
                "input_tokens_details": {"cached_tokens": null},
                "output_tokens_details": {"reasoning_tokens": 1}}),
            Some([10, 9, 0, 1]),
        ),
        (
            json!({"input_tokens": i64::MAX, "output_tokens": i64::MAX, "total_tokens": i64::MAX,
                "input_tokens_details": {"cached_tokens": 7}}),
            Some([i64::MAX, i64::MAX, 7, 0]),
        ),
    ] {
        backend.clear_requests();
        let steps = json!([{"raw": [stream(&[four(), completed(&usage)])]}]);
        backend.set_script(script("responses", &steps));
        begin_turn(&mut host).await;
        if let Some(expected) = expected {
            let updated = host.notification("thread/tokenUsage/updated").await;
            let last = &updated["tokenUsage"]["last"];
            let names = [
                "totalTokens",
                "inputTokens",
                "cachedInputTokens",
                "reasoningOutputTokens",
            ];
            assert_eq!(
                names.map(|name| last[name].as_i64().unwrap()),
                expected,
                "{usage}"
            );
        }
        let ended = host.notification("turn/completed").await["turn"].take();
        assert_eq!(
            (&ended["status"], text(&ended)),
            (&json!("completed"), "four"),
            "{usage}"
        );
        assert_eq!(backend.count(Route::Responses), 1, "{usage}");
    }
}

#[tokio::test]
async fn totals_of_a_thread_saturate() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    let usage =
        json!({"input_tokens": i64::MAX, "output_tokens": i64::MAX, "total_tokens": i64::MAX});
    let steps = json!([{"raw": [stream(&[four(), completed(&usage)])], "repeat": 0}]);
    backend.set_script(script("responses", &steps));
    let thread = host
        .request("thread/start", json!({"model": "m"}))
        .await
        .unwrap();
    let input = json!([{"type": "text", "text": "Hello"}]);
    let params = json!({"threadId": thread["thread"]["id"], "input": input});
    for _ in 0..2 {
        host.request("turn/start", params.clone()).await.unwrap();
        let updated = host.notification("thread/tokenUsage/updated").await;
        let total = &updated["tokenUsage"]["total"];
        assert_eq!(total["totalTokens"], i64::MAX, "{total}");
        assert_eq!(total["outputTokens"], i64::MAX, "{total}");
        host.notification("turn/completed").await;
    }
}

#[tokio::test]
async fn an_answer_of_another_model_counts() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    backend.clear_requests();
    backend.set_script(script("responses", &json!([{"preset": "rerouted"}])));
    let ended = turn(&mut host).await;
    assert_eq!(ended["status"], "completed", "{ended}");
    assert!(!text(&ended).is_empty(), "{ended}");
    assert_eq!(backend.count(Route::Responses), 1, "it is bought once");
}

#[tokio::test]
async fn the_words_of_a_refusal_reach_the_client() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    let words = "I cannot help with that.";
    let delta = json!({"type": "response.refusal.delta", "delta": words});
    let part = message(&json!([{"type": "refusal", "refusal": words}]));
    for events in [
        vec![delta.clone(), part.clone()],
        vec![part],
        vec![delta, message(&json!("odd"))],
    ] {
        let mut events = events;
        events.push(completed(&Value::Null));
        backend.set_script(script("responses", &json!([{"raw": [stream(&events)]}])));
        let ended = turn(&mut host).await;
        assert_eq!(
            (&ended["status"], text(&ended)),
            (&json!("completed"), words),
            "{events:?}"
        );
    }
}

#[tokio::test]
async fn odd_members_of_events_are_absent() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    let odd_item = json!({"type": "response.output_item.done", "item": {"type": "message",
        "role": "assistant", "id": 7, "phase": [], "content": [7, {"type": "output_text", "text": "four"}, {"type": []}]}});
    let events = [
        json!({"type": "response.output_item.added", "item": null}),
        json!({"type": "response.reasoning", "x": [[[]]]}),
        json!({"type": "codex.rate_limits", "rate_limits": 7, "credits": [], "plan_type": 1}),
        json!({"type": 7}),
        odd_item,
        json!({"type": "response.completed", "response": []}),
    ];
    backend.set_script(script("responses", &json!([{"raw": [stream(&events)]}])));
    let ended = turn(&mut host).await;
    assert_eq!(
        (&ended["status"], text(&ended)),
        (&json!("completed"), "four"),
        "{ended}"
    );
}

#[tokio::test]
async fn an_odd_usage_answer_shows_what_can_be_read() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    let window =
        json!({"used_percent": 40, "limit_window_seconds": 604_800, "reset_at": 1_786_161_248});
    for (member, value) in [
        (
            "credits",
            json!({"has_credits": null, "unlimited": null, "balance": 36.79}),
        ),
        ("credits", json!("none")),
        (
            "additional_rate_limits",
            json!([{"metered_feature": null}, 7, {"metered_feature": "x", "rate_limit": []}]),
        ),
        ("additional_rate_limits", json!({})),
        ("rate_limit_reached_type", json!("rate_limit_reached")),
        (
            "rate_limit_reached_type",
            json!({"type": null, "details": null}),
        ),
        ("plan_type", json!(["plus"])),
        ("spend_control", json!({"reached": 7})),
    ] {
        let mut body = json!({"rate_limit": {"primary_window": window, "secondary_window": {"used_percent": null}}});
        body[member] = value;
        backend.set_script(script("usage", &json!([{"body": body}])));
        let read = rate_limits(&mut host).await.unwrap();
        assert_eq!(read["rateLimits"]["primary"]["usedPercent"], 40, "{body}");
    }
    let window = json!({"used_percent": "40", "limit_window_seconds": "9223372036854775807", "reset_after_seconds": 60});
    let body = json!({"rate_limit": {"primary_window": window}});
    backend.set_script(script("usage", &json!([{"body": body}])));
    let read = rate_limits(&mut host).await.unwrap();
    let primary = &read["rateLimits"]["primary"];
    assert_eq!(primary["usedPercent"], 40);
    assert_eq!(primary["windowDurationMins"], i64::MAX / 60);
    assert!(primary["resetsAt"].as_i64().unwrap() > 1_700_000_000);
    let odd = json!([{"body": {"stats": {"lifetime_tokens": "7", "peak_daily_tokens": [],
        "daily_usage_buckets": [{"start_date": "2026-01-01", "tokens": 1.0}, {"tokens": 1}, null]}}}]);
    backend.set_script(script("profile", &odd));
    let read = host.request("account/usage/read", json!({})).await.unwrap();
    assert_eq!(read["summary"]["lifetimeTokens"], 7);
    assert_eq!(read["summary"]["peakDailyTokens"], Value::Null);
    assert_eq!(
        read["dailyUsageBuckets"],
        json!([{"startDate": "2026-01-01", "tokens": 1}])
    );
}

#[tokio::test]
async fn many_snapshots_of_a_limit_are_reported_once() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    let limits = |used: i64| {
        json!({"type": "codex.rate_limits",
        "rate_limits": {"primary": {"used_percent": used, "window_minutes": 300}}})
    };
    let mut events: Vec<_> = (1..=50).map(limits).collect();
    events.extend([four(), completed(&Value::Null)]);
    backend.set_script(script("responses", &json!([{"raw": [stream(&events)]}])));
    assert_eq!(turn(&mut host).await["status"], "completed");
    host.close_input();
    let rest = host.rest().await;
    let updates: Vec<_> = rest
        .iter()
        .filter(|message| message["method"] == "account/rateLimits/updated")
        .map(|message| &message["params"]["rateLimits"]["primary"]["usedPercent"])
        .collect();
    assert_eq!(updates, [&json!(50)]);
}
