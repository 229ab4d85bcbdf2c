//! Presets.

use byokey_dev_backend::{DevBackend, Options, Route, Script, presets};
use serde_json::{Value, json};

use crate::support::*;

/// Returns the response of a preset to a request of its route.
async fn answer(name: &str) -> Answer {
    let (_, _, route) = presets().find(|(known, _, _)| *known == name).expect(name);
    let script = Script::default().with(&[name.to_owned()], &[]).unwrap();
    let backend = DevBackend::start(Options::new().script(script)).unwrap();
    let request = match route {
        Route::Responses => with(post(CHATGPT, Some("t"), &turn("x")), "version", "0.169.0"),
        Route::AccountsCheck => get(ACCOUNTS, Some("t")),
        Route::Usage => get(USAGE, Some("t")),
        Route::Token => post("/oauth/token", None, &json!({})),
        Route::DeviceCode => post("/api/accounts/deviceauth/usercode", None, &json!({})),
        Route::DevicePoll => post("/api/accounts/deviceauth/token", None, &json!({})),
        other => panic!("no request for {other}"),
    };
    call(&backend, request).await
}

#[tokio::test]
async fn every_preset_answers() {
    let mut names = Vec::new();
    for (name, about, _) in presets() {
        assert!(!about.is_empty() && !names.contains(&name), "{name}");
        names.push(name);
        let answer = answer(name).await;
        assert!(answer.whole, "{name}");
        // The description of a refusal begins with its status.
        if let Ok(status) = about.split(' ').next().unwrap().parse::<u16>() {
            assert_eq!(answer.status.as_u16(), status, "{name}");
        }
    }
    assert!(names.len() > 50, "{names:?}");
}

#[tokio::test]
async fn refusals_have_the_forms_that_were_seen() {
    for (name, status, pointer, expected) in [
        (
            "country",
            403,
            "/error/code",
            "unsupported_country_region_territory",
        ),
        ("country", 403, "/error/type", "request_forbidden"),
        (
            "invalid-workspace",
            403,
            "/detail/code",
            "invalid_workspace_selected",
        ),
        (
            "deactivated-workspace",
            402,
            "/detail/code",
            "deactivated_workspace",
        ),
        (
            "unsupported-parameter",
            400,
            "/detail",
            "Unsupported parameter: temperature",
        ),
        (
            "model-not-found",
            404,
            "/error/message",
            "Model not found gpt-6.2-sol",
        ),
        ("unauthorized", 401, "/detail", "Unauthorized"),
        ("token-revoked", 401, "/error/code", "token_revoked"),
        (
            "usage-not-included",
            429,
            "/error/type",
            "usage_not_included",
        ),
        (
            "insufficient-quota",
            429,
            "/error/code",
            "insufficient_quota",
        ),
        ("overloaded-503", 503, "/error/code", "server_is_overloaded"),
        ("slow-down-503", 503, "/error/code", "slow_down"),
        (
            "sharing-invalid-token",
            401,
            "/detail/code",
            "invalid_token",
        ),
        (
            "sharing-scope",
            403,
            "/detail/code",
            "chatpass_v2_scope_not_authorized",
        ),
        ("refresh-reused", 401, "/error/code", "refresh_token_reused"),
        ("refresh-token-expired", 401, "/error/code", "token_expired"),
        ("invalid-grant", 400, "/error", "invalid_grant"),
        (
            "device-unknown-400",
            400,
            "/error/code",
            "deviceauth_authorization_unknown",
        ),
        ("device-slow-down", 400, "/error/code", "slow_down"),
    ] {
        let answer = answer(name).await;
        assert_eq!(answer.status.as_u16(), status, "{name}");
        assert_eq!(
            answer.json().pointer(pointer),
            Some(&json!(expected)),
            "{name}"
        );
    }
    for name in ["outage-404", "empty-403", "device-unavailable"] {
        assert_eq!(answer(name).await.body, "", "{name}");
    }
    let model = answer("model-unsupported").await.json()["detail"].to_string();
    assert!(
        model.contains("'gpt-6.2-sol' model is not supported when using Codex"),
        "{model}"
    );
    let model = answer("newer-version").await.json()["detail"].to_string();
    assert!(
        model.contains("requires a newer version of Codex"),
        "{model}"
    );
}

#[tokio::test]
async fn pages_of_the_edge_are_not_json() {
    for (name, status, text) in [
        ("cloudflare-challenge", 403, "Just a moment..."),
        ("unable-to-load", 403, "Unable to load site"),
        ("edge-413", 413, "413 Request Entity Too Large"),
    ] {
        let answer = answer(name).await;
        assert_eq!(answer.status.as_u16(), status, "{name}");
        assert!(
            answer.header("content-type").starts_with("text/html"),
            "{name}"
        );
        assert!(answer.body.contains(text), "{name}");
        assert!(
            serde_json::from_str::<Value>(&answer.body).is_err(),
            "{name}"
        );
    }
    let region = answer("region").await;
    assert_eq!(region.body, "Workspace is not authorized in this region.");
}

#[tokio::test]
async fn a_usage_limit_names_its_end_and_brings_every_header() {
    let limit = answer("usage-limit").await;
    assert_eq!(limit.status, 429);
    let error = &limit.json()["error"];
    assert_eq!(error["type"], "usage_limit_reached");
    assert!(error["resets_at"].as_u64().unwrap() > 1_700_000_000);
    for name in [
        "message",
        "plan_type",
        "resets_in_seconds",
        "eligible_promo",
    ] {
        assert!(error.get(name).is_some(), "{name}");
    }
    for name in [
        "x-codex-active-limit",
        "x-codex-primary-used-percent",
        "x-codex-primary-reset-after-seconds",
        "x-codex-secondary-reset-at",
        "x-codex-primary-over-secondary-limit-percent",
        "x-codex-credits-has-credits",
        "x-codex-rate-limit-reached-type",
        "x-codex-promo-message",
        "x-codex-bengalfox-primary-used-percent",
        "x-codex-bengalfox-limit-name",
    ] {
        assert!(limit.headers.contains_key(name), "{name}");
    }
    let plain = answer("plain-429").await;
    assert_eq!(
        (plain.status.as_u16(), plain.header("retry-after")),
        (429, "1")
    );
    assert_ne!(plain.json()["error"]["type"], "usage_limit_reached");
    let refused = answer("model-unsupported").await;
    assert!(!refused.headers.contains_key("x-codex-primary-used-percent"));
}

#[tokio::test]
async fn failures_inside_a_stream_have_the_forms_that_were_seen() {
    for (name, code) in [
        ("overloaded-200", "server_is_overloaded"),
        ("cyber", "cyber_policy"),
        ("invalid-prompt", "invalid_prompt"),
        ("context-length", "context_length_exceeded"),
        ("rate-limit-200", "rate_limit_exceeded"),
        ("quota-200", "insufficient_quota"),
        ("not-included-200", "usage_not_included"),
        ("server-error-200", "server_error"),
        (
            "sharing-usage-limit-200",
            "subscription_sharing_usage_limit_exceeded",
        ),
    ] {
        let answer = answer(name).await;
        assert_eq!(answer.status, 200, "{name}");
        let events = answer.events();
        let last = events.last().unwrap();
        assert_eq!(last["type"], "response.failed", "{name}");
        assert_eq!(last["response"]["error"]["code"], code, "{name}");
    }
    for (name, reason) in [
        ("incomplete", "max_output_tokens"),
        ("content-filter", "content_filter"),
    ] {
        let events = answer(name).await.events();
        let last = events.last().unwrap();
        assert_eq!(last["type"], "response.incomplete", "{name}");
        assert_eq!(
            last["response"]["incomplete_details"]["reason"], reason,
            "{name}"
        );
    }
    let types = answer("overloaded-200").await.event_types();
    assert_eq!(types[types.len() - 2..], ["error", "response.failed"]);
    assert_eq!(
        answer("lone-error").await.event_types().last().unwrap(),
        "error"
    );
    assert_eq!(answer("rerouted").await.header("openai-model"), "gpt-5.5");
    let events = answer("limit-reached-200").await.events();
    assert_eq!(events[0]["rate_limits"]["limit_reached"], true);
    assert_eq!(events.last().unwrap()["type"], "response.completed");
}

#[tokio::test]
async fn a_preset_goes_with_a_delay_headers_and_a_count() {
    let script = json!({"routes": {"usage": [
        {"preset": "cloudflare-challenge", "headers": {"x-test": "yes"}, "repeat": 2}]}});
    let backend = start_with(script);
    for expected in [403, 403, 200] {
        let answer = call(&backend, get(USAGE, Some("t"))).await;
        assert_eq!(answer.status.as_u16(), expected);
        assert_eq!(answer.header("x-test") == "yes", expected == 403);
    }
    for (step, expected) in [
        (
            json!({"preset": "none"}),
            "no such preset: none, expected one of ",
        ),
        (
            json!({"preset": "cyber", "status": 1}),
            "`preset` and `status` do not go together",
        ),
    ] {
        let script = json!({"routes": {"responses": [step]}});
        let error = Script::from_value(script).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
