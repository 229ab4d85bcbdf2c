//! Model lists: their account, their default, and what is used without one.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::{Duration, Instant};

use byokey_dev_backend::{DevBackend, Route, Script, TestToken};
use byokey_tests::turns::{backend, script, signed_in, turn};
use byokey_tests::{Host, Refused, Server, Setup};
use serde_json::{Value, json};

/// Starts a server with the built-in provider, whose calls go to this backend, without a configured
/// model, and a logged-in host.
async fn without_model(backend: &DevBackend) -> (Server, Host) {
    let base_url = backend.base_url();
    let setting = format!("chatgpt_base_url = \"{base_url}/backend-api\"");
    let mut server = Setup::default().config(&setting).start();
    let mut host = Host::initialized(&mut server).await;
    host.login(&TestToken::new("ada").encode(), "ws-1").await;
    (server, host)
}

async fn default_of(host: &mut Host) -> Result<String, Refused> {
    let thread = host.request("thread/start", json!({})).await?;
    Ok(thread["model"].as_str().unwrap().to_owned())
}

/// What a server of llama.cpp answers.
fn llama() -> Value {
    json!({"models": [{"name": "q.gguf", "model": "q.gguf"}], "data": [{"id": "q.gguf"}]})
}

fn odd() -> Value {
    json!({"models": [7, {"description": "nameless"}, {"slug": "a", "id": "b", "priority": "1"}]})
}

#[tokio::test]
async fn an_odd_list_shows_what_can_be_read() {
    for (body, expected) in [(llama(), "q.gguf"), (odd(), "a")] {
        let backend = backend();
        let (_server, mut host) = signed_in(&backend, &[]).await;
        backend.set_script(script("models", &json!([{"body": body}])));
        let listed = host.request("model/list", json!({})).await.unwrap();
        let ids = listed["data"].as_array().unwrap().iter();
        let ids: Vec<_> = ids.map(|model| &model["id"]).collect();
        assert_eq!(ids, [expected], "{body}");
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_read_fails_no_conversation() {
    for step in [
        json!({"body": "no list", "repeat": 0}),
        json!({"body": {"models": 7}, "repeat": 0}),
        json!({"status": 500, "repeat": 0}),
    ] {
        let backend = backend();
        let (_server, mut host) = signed_in(&backend, &["model=\"configured\""]).await;
        backend.set_script(script("models", &json!([step])));
        assert_eq!(default_of(&mut host).await.unwrap(), "configured", "{step}");
        assert_eq!(turn(&mut host).await["status"], "completed", "{step}");
        // Nor does one without a configured model.
        let (_server, mut host) = without_model(&backend).await;
        default_of(&mut host).await.unwrap();
        assert_eq!(turn(&mut host).await["status"], "completed", "{step}");
    }
}

#[tokio::test]
async fn the_lowest_priority_among_the_listed_is_the_default() {
    let models = json!({"models": [
        {"slug": "old", "visibility": "list", "priority": 9},
        {"slug": "hidden", "visibility": "hide", "priority": 0},
        {"slug": "newer", "visibility": "list", "priority": 1, "minimal_client_version": "99.0.0"},
        {"slug": "best", "visibility": "list", "priority": 2, "minimal_client_version": "0.100.0"},
        {"slug": "codex-auto-balanced", "visibility": "list", "priority": 5},
    ]});
    for (body, expected) in [(models, "best"), (llama(), "q.gguf"), (odd(), "a")] {
        let backend = backend();
        let (_server, mut host) = without_model(&backend).await;
        backend.set_script(script("models", &json!([{"body": body}])));
        assert_eq!(default_of(&mut host).await.unwrap(), expected, "{body}");
        let listed = host.request("model/list", json!({})).await.unwrap();
        let listed = listed["data"].as_array().unwrap().clone();
        let defaults: Vec<_> = listed
            .iter()
            .filter(|model| model["isDefault"] == true)
            .collect();
        assert_eq!(defaults.len(), 1, "{listed:?}");
        let ids: Vec<_> = listed
            .iter()
            .map(|model| model["id"].as_str().unwrap())
            .collect();
        assert!(
            !ids.contains(&"hidden") && !ids.contains(&"newer"),
            "{ids:?}"
        );
        assert_eq!(backend.count(Route::Models), 1, "one list for both");
    }
}

#[tokio::test]
async fn without_a_list_the_last_one_counts_else_the_built_in_one() {
    for body in [
        json!("no list"),
        json!({"models": 7}),
        json!({"models": []}),
    ] {
        let backend = backend();
        let (_server, mut host) = without_model(&backend).await;
        backend.set_script(script("models", &json!([{"body": body, "repeat": 0}])));
        assert_eq!(
            default_of(&mut host).await.unwrap(),
            "gpt-6.2-sol",
            "{body}"
        );
        assert_eq!(turn(&mut host).await["status"], "completed", "{body}");
        let sent = backend.requests_to(Route::Responses).remove(0);
        assert_eq!(
            sent.json().unwrap()["model"],
            byokey_tests::turns::MODEL,
            "a model that is named counts"
        );
    }
}

#[tokio::test]
async fn the_last_good_list_counts_before_the_built_in_one() {
    for later in [
        json!({"preset": "cloudflare-challenge", "repeat": 0}),
        json!({"status": 403, "body": {"detail": "made up"}, "repeat": 0}),
        json!({"body": {"models": []}, "repeat": 0}),
    ] {
        let backend = backend();
        let (_server, mut host) = without_model(&backend).await;
        let listed = json!({"models": [{"slug": "gpt-6.1-terra", "priority": 1}]});
        let steps = json!([{"body": listed}, later]);
        backend.set_script(script("models", &steps));
        assert_eq!(default_of(&mut host).await.unwrap(), "gpt-6.1-terra");
        // With new tokens of the same account the list is read again.
        host.login(&TestToken::new("ada").encode(), "ws-1").await;
        let default = default_of(&mut host).await.unwrap();
        assert_eq!(default, "gpt-6.1-terra", "{later}");
        // The list of one account says nothing about another.
        host.login(&TestToken::new("bob").encode(), "ws-2").await;
        let default = default_of(&mut host).await.unwrap();
        assert_eq!(default, "gpt-6.2-sol", "{later}");
    }
}

#[tokio::test]
async fn a_provider_without_openai_login_and_list_needs_a_model() {
    let backend = backend();
    let base_url = backend.base_url();
    let settings = format!(
        "model_provider = \"other\"\n[model_providers.other]\nname = \"other\"\nbase_url = \"{base_url}/v1\""
    );
    let mut server = Setup::default().config(&settings).start();
    let mut host = Host::initialized(&mut server).await;
    let steps =
        json!({"allowAnonymous": true, "routes": {"models": [{"status": 418, "repeat": 0}]}});
    backend.set_script(Script::from_value(steps).unwrap());
    let refused = default_of(&mut host).await.unwrap_err();
    assert!(refused.message.contains("418"), "{refused:?}");
    let thread = host.request("thread/start", json!({"model": "mine"})).await;
    assert_eq!(thread.unwrap()["model"], "mine");
}

#[tokio::test]
async fn model_lists_share_one_request_and_one_deadline() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    backend.set_script(script("models", &json!([{"hang": true, "repeat": 0}])));
    let begun = Instant::now();
    let mut calls = Vec::new();
    for _ in 0..5 {
        calls.push(host.start("model/list", json!({})).await);
    }
    let account = host.request("account/read", json!({})).await.unwrap();
    assert_ne!(account["account"], Value::Null);
    for call in calls {
        let failed = host.answer(call).await.unwrap_err();
        assert_eq!(failed.kind(), "retryable", "{failed:?}");
    }
    let waited = begun.elapsed();
    assert!(
        waited < Duration::from_secs(18),
        "one after the other: {waited:?}"
    );
    assert_eq!(backend.count(Route::Models), 1);
}

#[tokio::test]
async fn model_lists_asked_for_together_are_read_once() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    let held = backend.hold(Route::Models);
    let mut calls = Vec::new();
    for _ in 0..20 {
        calls.push(host.start("model/list", json!({})).await);
    }
    backend.wait_for(Route::Models, 1).await;
    held.release();
    for call in calls {
        host.answer(call).await.unwrap();
    }
    assert_eq!(backend.count(Route::Models), 1);
}
