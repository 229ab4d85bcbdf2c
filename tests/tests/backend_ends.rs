//! Which failures end a turn after one request, which are retried, and the errors for the host.

use std::time::{Duration, Instant};

use byokey_dev_backend::{DevBackend, Route};
use byokey_tests::Host;
use byokey_tests::turns::{backend, rate_limits, script, signed_in, text, turn};
use serde_json::{Value, json};

const RETRIES: [&str; 1] = ["model_providers.mock.stream_max_retries=4"];

fn error(details: &Value) -> Value {
    json!({"type": "error", "error": details, "sequence_number": 2})
}

fn failed(details: &Value) -> Value {
    json!({"type": "response.failed", "response": {"error": details}})
}

/// Runs a turn with this scripted step for every request; then the default response.
async fn turn_of(backend: &DevBackend, host: &mut Host, steps: &Value) -> (Value, usize) {
    backend.clear_requests();
    backend.set_script(script("responses", steps));
    let ended = turn(host).await;
    (ended, backend.count(Route::Responses))
}

/// Final ends: a step of the script, `codexErrorInfo`, and words of the message.
fn final_ends() -> Vec<(Value, Value, &'static str)> {
    let code = |code: &str| json!({"code": code, "message": "made up"});
    let incomplete = |reason: &str| {
        json!({"events": [{"type": "response.incomplete",
        "response": {"incomplete_details": {"reason": reason}}}]})
    };
    let status = |status: u16, body: Value| json!({"status": status, "body": body});
    let bad_request = json!("badRequest");
    let http = |status: u16| json!({"httpConnectionFailed": {"httpStatusCode": status}});
    vec![
        (
            incomplete("max_output_tokens"),
            json!("other"),
            "max_output_tokens",
        ),
        (
            incomplete("content_filter"),
            json!("other"),
            "content_filter",
        ),
        (
            json!({"events": [failed(&code("cyber_policy"))]}),
            json!("cyberPolicy"),
            "cyber security",
        ),
        (
            json!({"events": [failed(&code("invalid_prompt"))]}),
            bad_request.clone(),
            "usage policy",
        ),
        (
            json!({"events": [failed(&code("context_length_exceeded"))]}),
            json!("contextWindowExceeded"),
            "context window",
        ),
        (
            json!({"events": [failed(&code("usage_not_included"))]}),
            json!("usageLimitExceeded"),
            "upgrade",
        ),
        (
            json!({"events": [failed(&code("insufficient_quota"))]}),
            json!("usageLimitExceeded"),
            "Quota",
        ),
        (
            json!({"events": [failed(&code("some_new_code"))]}),
            json!("other"),
            "some_new_code",
        ),
        (
            json!({"events": [error(&code("some_new_code"))]}),
            json!("other"),
            "some_new_code",
        ),
        (
            json!({"events": [error(&json!({"type": "usage_limit_reached", "resets_at": 1_999_999_999}))]}),
            json!("usageLimitExceeded"),
            "Wed, 18 May 2033 03:33:19 GMT",
        ),
        (
            json!({"events": [error(&code("cyber_policy")), failed(&Value::Null)]}),
            json!("cyberPolicy"),
            "cyber security",
        ),
        (
            json!({"events": [{"type": "error", "code": "context_length_exceeded", "message": "x"}], "hang": true}),
            json!("contextWindowExceeded"),
            "context window",
        ),
        (
            json!({"events": [{"type": "response.output_text.delta", "delta": 7}]}),
            json!("other"),
            "response.output_text.delta cannot be read",
        ),
        (
            json!({"raw": ["event: response.completed\ndata: {\"type\":\"resp"]}),
            json!("other"),
            "response.completed cannot be read",
        ),
        (
            status(400, json!({"detail": "Unsupported parameter: top_p"})),
            bad_request.clone(),
            "top_p",
        ),
        (
            status(
                400,
                json!({"detail": "The 'm' model requires a newer version of Codex."}),
            ),
            bad_request.clone(),
            "newer version",
        ),
        (
            status(
                400,
                json!({"detail": "The 'm' model is not supported when using Codex with a ChatGPT account."}),
            ),
            bad_request.clone(),
            "plan does not include the model",
        ),
        (
            status(
                400,
                json!({"error": {"code": "unsupported_value", "param": "reasoning.effort"}}),
            ),
            bad_request.clone(),
            "unsupported_value (reasoning.effort)",
        ),
        (
            status(
                400,
                json!({"detail": [{"type": "missing", "loc": ["query", "client_version"], "msg": "x"}]}),
            ),
            bad_request,
            "missing (client_version)",
        ),
        (
            status(402, json!({"detail": {"code": "deactivated_workspace"}})),
            http(402),
            "deactivated",
        ),
        (
            status(
                403,
                json!({"detail": {"code": "invalid_workspace_selected"}}),
            ),
            http(403),
            "another workspace",
        ),
        (
            status(
                403,
                json!({"error": {"code": "unsupported_country_region_territory"}}),
            ),
            http(403),
            "country",
        ),
        (status(403, json!("")), http(403), "403"),
        (
            json!({"status": 403, "body": "<html>", "headers": {"content-type": "text/html", "cf-ray": "ray-1"}}),
            http(403),
            "cf-ray: ray-1",
        ),
        (
            status(404, json!({"error": {"message": "Model not found m"}})),
            http(404),
            "no such model",
        ),
        (status(404, json!("outage")), http(404), "404"),
        (
            status(413, json!("<html>")),
            json!("badRequest"),
            "too large",
        ),
        (status(422, json!({"detail": "x"})), http(422), "422"),
        (
            json!({"status": 400, "body": "x", "headers": {"x-openai-ide-error-code": "some_code"}}),
            json!("badRequest"),
            "some_code",
        ),
    ]
}

#[tokio::test]
async fn final_ends_are_asked_for_once() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &RETRIES).await;
    for (step, info, words) in final_ends() {
        let (ended, posts) = turn_of(&backend, &mut host, &json!([step])).await;
        assert_eq!(ended["status"], "failed", "{step}: {ended}");
        assert_eq!(ended["error"]["codexErrorInfo"], info, "{step}: {ended}");
        let message = ended["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{step}: {message}");
        assert!(!message.contains("made up"), "{step}: {message}");
        assert_eq!(posts, 1, "{step}");
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &RETRIES).await;
    for (step, expected) in [
        (
            json!({"events": [failed(&json!({"code": "server_error"}))]}),
            2,
        ),
        (json!({"events": [failed(&Value::Null)]}), 2),
        (
            json!({"events": [error(&json!({"type": "service_unavailable_error", "code": "server_is_overloaded"}))]}),
            2,
        ),
        (json!({"events": []}), 2),
        (
            json!({"status": 429, "body": {"error": {"code": "rate_limit_exceeded"}}}),
            2,
        ),
        (json!({"status": 429, "body": "slow"}), 2),
        (json!({"status": 409, "body": "conflict"}), 2),
        (json!({"status": 404, "body": ""}), 2),
        (
            json!({"status": 503, "body": {"error": {"code": "slow_down"}}}),
            2,
        ),
        // About the servers behind the gateway, and no refusal of the token.
        (json!({"preset": "wrapped-401"}), 2),
    ] {
        let (ended, posts) = turn_of(&backend, &mut host, &json!([step])).await;
        assert_eq!(ended["status"], "completed", "{step}: {ended}");
        assert_eq!(posts, expected, "{step}");
    }
    let empty = json!([{"status": 404, "body": "", "repeat": 0}]);
    let (ended, posts) = turn_of(&backend, &mut host, &empty).await;
    assert_eq!(
        (&ended["status"], posts),
        (&json!("failed"), 3),
        "an empty 404, twice more"
    );
}

#[tokio::test]
async fn an_answer_after_an_error_event_counts() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &RETRIES).await;
    let item = json!({"type": "message", "role": "assistant", "id": "msg-1",
        "content": [{"type": "output_text", "text": "four"}]});
    let events = json!([error(&json!({"code": "cyber_policy"})),
        {"type": "response.output_item.done", "item": item},
        {"type": "response.completed", "response": {}}]);
    let (ended, posts) = turn_of(&backend, &mut host, &json!([{"events": events}])).await;
    assert_eq!(
        (&ended["status"], posts),
        (&json!("completed"), 1),
        "{ended}"
    );
    assert_eq!(text(&ended), "four");
}

#[tokio::test]
async fn a_requested_wait_is_respected_or_reported() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &RETRIES).await;
    let limited = |wait: &str| {
        failed(&json!({"code": "rate_limit_exceeded",
        "message": format!("Rate limit reached (made up). Please try again in {wait}.")}))
    };
    let soon = httpdate::fmt_http_date(std::time::SystemTime::now() + Duration::from_secs(3));
    for (step, least) in [
        (json!({"events": [limited("2.2s")]}), 2_200),
        (json!({"events": [limited("1500ms")]}), 1_500),
        (
            json!({"status": 429, "headers": {"retry-after": "2"}, "body": "x"}),
            2_000,
        ),
        (
            json!({"status": 429, "headers": {"retry-after": soon}, "body": "x"}),
            0,
        ),
        (
            json!({"status": 429, "headers": {"retry-after-ms": "1700"}, "body": "x"}),
            1_700,
        ),
    ] {
        let begun = Instant::now();
        let (ended, posts) = turn_of(&backend, &mut host, &json!([step])).await;
        assert_eq!(
            (&ended["status"], posts),
            (&json!("completed"), 2),
            "{step}: {ended}"
        );
        assert!(begun.elapsed() >= Duration::from_millis(least), "{step}");
    }
    let (ended, posts) = turn_of(
        &backend,
        &mut host,
        &json!([{"events": [limited("1h30m")]}]),
    )
    .await;
    let message = ended["error"]["message"].as_str().unwrap();
    assert!(message.contains("try again in 1 h 30 min"), "{message}");
    assert_eq!(posts, 1, "a wait that no turn makes");
    let away = json!([{"status": 429, "headers": {"retry-after": "3600"}, "body": "x"}]);
    let (ended, posts) = turn_of(&backend, &mut host, &away).await;
    let message = ended["error"]["message"].as_str().unwrap();
    assert!(message.contains("wait 1 h 0 min"), "{message}");
    assert_eq!(posts, 1);
}

#[tokio::test]
async fn a_refusal_that_is_not_about_the_token_asks_for_none() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &RETRIES).await;
    let region = json!({"status": 401, "headers": {"content-type": "text/plain"},
        "body": "Workspace is not authorized in this region."});
    let detail =
        json!({"status": 401, "body": {"detail": "Workspace is not authorized in this region."}});
    let challenge = json!({"status": 403, "body": "Just a moment", "headers": {"cf-mitigated": "challenge", "cf-ray": "ray-1"}});
    let page = json!({"status": 403, "body": "<!DOCTYPE html><title>Just a moment"});
    let country =
        json!({"status": 403, "body": {"error": {"code": "unsupported_country_region_territory"}}});
    let workspace =
        json!({"status": 403, "body": {"detail": {"code": "invalid_workspace_selected"}}});
    let deactivated = json!({"status": 402, "body": {"detail": {"code": "deactivated_workspace"}}});
    for (step, kind) in [
        (region, "regionRefused"),
        (detail, "regionRefused"),
        (challenge, "challenged"),
        (page, "challenged"),
        (country, "regionRefused"),
        (workspace, "workspaceRefused"),
        (deactivated, "workspaceRefused"),
        (json!({"status": 403, "body": ""}), "backendRefused"),
    ] {
        backend.clear_requests();
        backend.set_script(script("usage", &json!([step])));
        // A refresh request would get no answer, and the call would fail otherwise.
        let failed = rate_limits(&mut host).await.unwrap_err();
        assert_eq!(failed.kind(), kind, "{step}: {failed:?}");
        assert_eq!(backend.count(Route::Usage), 1, "{step}");
        let (ended, posts) = turn_of(&backend, &mut host, &json!([step])).await;
        assert_eq!(
            (&ended["status"], posts),
            (&json!("failed"), 1),
            "{step}: {ended}"
        );
    }
    let account = host.request("account/read", json!({})).await.unwrap();
    assert_eq!(account["account"]["type"], "chatgpt", "still signed in");
    host.close_input();
    let asked = |message: &Value| message["method"] == "account/chatgptAuthTokens/refresh";
    assert!(
        !host.rest().await.iter().any(asked),
        "the host was asked for a token"
    );
}

#[tokio::test]
async fn a_usage_limit_reports_its_end_and_the_limits_of_its_headers() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &RETRIES).await;
    let step = json!({"status": 429, "headers": {"x-codex-primary-used-percent": "100",
            "x-codex-primary-window-minutes": "300", "x-codex-primary-reset-at": "1999999999",
            "x-codex-plan-type": "plus", "x-codex-credits-has-credits": "False"},
        "body": {"error": {"type": "usage_limit_reached", "plan_type": "plus",
            "resets_at": 1_999_999_999, "resets_in_seconds": 9568}}});
    let (ended, posts) = turn_of(&backend, &mut host, &json!([step])).await;
    assert_eq!(
        (&ended["error"]["codexErrorInfo"], posts),
        (&json!("usageLimitExceeded"), 1)
    );
    let message = ended["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("Wed, 18 May 2033 03:33:19 GMT"),
        "{message}"
    );
    let updated = host.notification("account/rateLimits/updated").await;
    let limits = &updated["rateLimits"];
    assert_eq!(limits["primary"]["usedPercent"], 100);
    assert_eq!(limits["primary"]["resetsAt"], 1_999_999_999);
    assert_eq!(limits["planType"], "plus");
    assert_eq!(limits["credits"]["hasCredits"], false);
}
