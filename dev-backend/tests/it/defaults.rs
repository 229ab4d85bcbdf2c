//! The default responses, and the recorded requests.

use std::sync::{Arc, Mutex};

use crate::support::*;
use byokey_dev_backend::{DevBackend, Fingerprint, Options, Route, TestToken};
use serde_json::json;

#[tokio::test]
async fn usage_has_the_plan_of_the_bearer() {
    let backend = start();
    for (bearer, plan) in [
        ("sk-not-a-jwt".to_owned(), "pro"),
        (
            TestToken {
                plan: "team".to_owned(),
                ..TestToken::new("ada")
            }
            .encode(),
            "team",
        ),
    ] {
        for path in [USAGE, "/api/codex/usage"] {
            let answer = call(&backend, get(path, Some(&bearer))).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("content-type"), "application/json");
            let usage = answer.json();
            assert_eq!(usage["plan_type"], plan);
            let window = &usage["rate_limit"]["primary_window"];
            assert_eq!(window["used_percent"], 42);
            assert_eq!(window["limit_window_seconds"], 18_000);
            assert!(window["reset_at"].as_u64().unwrap() > 1_700_000_000);
            assert_eq!(usage["credits"]["balance"], "9.99");
        }
    }
}

#[tokio::test]
async fn profile_and_models_are_there() {
    let backend = start();
    let profile = call(&backend, get(PROFILE, Some("t"))).await.json();
    assert_eq!(profile["stats"]["lifetime_tokens"], 123_456);
    let models = call(&backend, get(MODELS, Some("t"))).await.json();
    let models = models["models"].as_array().unwrap();
    assert_eq!(models.len(), 14);
    let hidden = models.iter().filter(|model| model["visibility"] == "hide");
    assert_eq!(hidden.count(), 3);
}

#[tokio::test]
async fn accounts_check_names_the_account_of_the_header_or_of_the_token() {
    let backend = start();
    let token = TestToken::new("ada").encode();
    let mut request = get(ACCOUNTS, Some(&token));
    let accounts = call(&backend, request.clone()).await.json();
    assert_eq!(accounts["default_account_id"], "account-ada");
    request
        .headers_mut()
        .insert("chatgpt-account-id", "other".parse().unwrap());
    let accounts = call(&backend, request).await.json();
    assert_eq!(accounts["accounts"][0]["id"], "other");
    assert_eq!(accounts["account_ordering"], json!(["other"]));
}

#[tokio::test]
async fn a_reply_says_what_the_user_said() {
    let backend = start();
    let answer = call(&backend, post(RESPONSES, Some("t"), &turn("good morning"))).await;
    for (name, value) in [
        ("x-codex-primary-used-percent", "43"),
        ("x-codex-primary-window-minutes", "300"),
        ("x-codex-primary-reset-after-seconds", "120"),
        ("x-codex-secondary-used-percent", "5"),
        ("x-codex-plan-type", "pro"),
        ("x-codex-credits-has-credits", "False"),
        ("x-codex-credits-balance", ""),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    let resets = answer.header("x-codex-primary-reset-at");
    assert!(resets.parse::<u64>().unwrap() > 1_700_000_000);
    assert!(answer.whole);
    let events = answer.events();
    let text: String = events
        .iter()
        .filter_map(|event| event.get("delta")?.as_str())
        .collect();
    assert_eq!(text, "You said: good morning");
    let done = &events[events.len() - 2];
    assert_eq!(done["item"]["content"][0]["text"], text);
    let response = &events[events.len() - 1]["response"];
    assert_eq!(response["model"], "gpt-6.2-sol");
    assert_eq!(response["usage"]["output_tokens"], 4);
    assert_eq!(
        response["usage"]["total_tokens"].as_u64().unwrap(),
        4 + response["usage"]["input_tokens"].as_u64().unwrap()
    );
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused() {
    let backend = start();
    let answer = call(&backend, request("POST", RESPONSES, Some("t"), "{".into())).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn an_unknown_path_is_named() {
    let backend = start();
    let answer = call(&backend, get("/v1/files?x=1", Some("t"))).await;
    assert_eq!(answer.status, 404);
    assert_eq!(
        answer.json()["error"]["message"],
        "no such route: GET /v1/files"
    );
    assert_eq!(backend.requests()[0].route, None);
}

#[tokio::test]
async fn requests_are_recorded() {
    let backend = start();
    call(&backend, get(MODELS, Some("secret-bearer"))).await;
    call(&backend, post(RESPONSES, None, &turn("hi"))).await;
    assert_eq!(
        (
            backend.count(Route::Models),
            backend.count(Route::Responses)
        ),
        (1, 1)
    );

    let [models, responses] = &backend.requests()[..] else {
        panic!("expected two requests")
    };
    assert_eq!((models.method.as_str(), &*models.path), ("GET", MODELS));
    assert_eq!(models.bearer(), Some("secret-bearer"));
    assert!(!format!("{models:?}").contains("secret-bearer"));
    assert_eq!(responses.bearer(), None);
    assert_eq!(responses.json().unwrap()["input"][0], user("hi"));
    assert_eq!(backend.requests_to(Route::Models).len(), 1);

    backend.clear_requests();
    assert_eq!(
        (backend.requests().len(), backend.count(Route::Models)),
        (0, 0)
    );
}

#[tokio::test]
async fn only_so_many_requests_are_kept_but_all_are_counted() {
    let backend = DevBackend::start(Options::new().keep_requests(1)).unwrap();
    for _ in 0..3 {
        call(&backend, get(USAGE, Some("t"))).await;
    }
    assert_eq!(
        (backend.requests().len(), backend.count(Route::Usage)),
        (1, 3)
    );
}

#[tokio::test]
async fn the_observer_gets_a_line_without_the_secret() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let backend = DevBackend::start(Options::new().on_request({
        let lines = Arc::clone(&lines);
        move |exchange| lines.lock().unwrap().push(exchange.to_string())
    }))
    .unwrap();
    call(&backend, get(MODELS, Some("secret-bearer"))).await;
    call(&backend, get("/nowhere", None)).await;
    let bearer = Fingerprint::of("secret-bearer");
    assert_eq!(
        *lines.lock().unwrap(),
        [
            format!("GET /backend-api/codex/models 200 {bearer}"),
            "GET /nowhere 404 (no bearer)".to_owned()
        ]
    );
}
