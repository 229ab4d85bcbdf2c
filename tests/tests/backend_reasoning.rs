//! Encrypted reasoning in a conversation: requested, sent back as codex does, and never to another
//! account or another family of models.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use byokey_dev_backend::{DevBackend, Route, Script, TestToken};
use byokey_tests::turns::{MODEL, backend, signed_in};
use byokey_tests::{Host, Setup};
use serde_json::{Value, json};

async fn thread(host: &mut Host, model: &str) -> Value {
    let started = host.request("thread/start", json!({"model": model})).await;
    started.unwrap()["thread"]["id"].take()
}

async fn turn(host: &mut Host, thread: &Value, more: Value) -> Value {
    let mut params = json!({"threadId": thread, "input": [{"type": "text", "text": "Hello"}]});
    if let (Some(params), Some(more)) = (params.as_object_mut(), more.as_object()) {
        params.extend(more.clone());
    }
    host.request("turn/start", params).await.unwrap();
    host.notification("turn/completed").await["turn"].take()
}

/// Returns the bodies of the model requests.
fn bodies(backend: &DevBackend) -> Vec<Value> {
    let requests = backend.requests_to(Route::Responses);
    requests.iter().map(|it| it.json().unwrap()).collect()
}

/// Returns the encrypted contents in a body, in order.
fn contents(body: &Value) -> Vec<&str> {
    let items = body["input"].as_array().unwrap().iter();
    items
        .filter_map(|item| item["encrypted_content"].as_str())
        .collect()
}

fn reasoning(number: u64) -> String {
    format!("gAAAA-made-up-reasoning-{number}")
}

#[tokio::test]
async fn three_turns_send_what_the_model_thought_back_in_its_place() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    let thread = thread(&mut host, MODEL).await;
    for _ in 0..3 {
        let ended = turn(&mut host, &thread, json!({})).await;
        assert_eq!(ended["status"], "completed", "{ended}");
    }
    let bodies = bodies(&backend);
    assert_eq!(bodies.len(), 3, "one request for each turn");
    for body in &bodies {
        assert_eq!(body["include"], json!(["reasoning.encrypted_content"]));
    }
    let kinds: Vec<_> = bodies[2]["input"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["role"].as_str().or(item["type"].as_str()).unwrap())
        .collect();
    let turn = ["user", "reasoning", "assistant"];
    assert_eq!(kinds, [&turn[..], &turn, &["user"]].concat());
    let first = reasoning(1);
    let second = reasoning(2);
    assert_eq!(contents(&bodies[0]), [""; 0]);
    assert_eq!(contents(&bodies[1]), [first.as_str()]);
    assert_eq!(contents(&bodies[2]), [first.as_str(), second.as_str()]);
    let answer = &bodies[1]["input"][2];
    assert_eq!(answer["phase"], "final_answer", "{answer}");
}

#[tokio::test]
async fn cached_and_reasoning_tokens_are_reported() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    let usage = json!({"inputTokens": 2000, "cachedInputTokens": 1536, "outputTokens": 50,
                       "reasoningOutputTokens": 40});
    let step = json!({"text": ["Done"], "usage": usage});
    let script = json!({"routes": {"responses": [step]}});
    backend.set_script(Script::from_value(script).unwrap());
    let thread = thread(&mut host, MODEL).await;
    turn(&mut host, &thread, json!({})).await;
    let updated = host.notification("thread/tokenUsage/updated").await;
    let last = &updated["tokenUsage"]["last"];
    assert_eq!(last["cachedInputTokens"], 1536, "{last}");
    assert_eq!(last["reasoningOutputTokens"], 40, "{last}");
}

#[tokio::test]
async fn another_family_of_models_gets_no_reasoning_and_its_own_is_dropped() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    let thread = thread(&mut host, "gpt-6.2-sol").await;
    for model in ["gpt-6.2-sol", "gpt-6.2-astra", "gpt-6.1-sol", "gpt-6.2-sol"] {
        let ended = turn(&mut host, &thread, json!({"model": model})).await;
        assert_eq!(ended["status"], "completed", "{model}: {ended}");
    }
    let bodies = bodies(&backend);
    let counts: Vec<_> = bodies.iter().map(|body| contents(body).len()).collect();
    assert_eq!(counts, [0, 1, 0, 0]);
}

#[tokio::test]
async fn another_account_gets_the_conversation_without_its_reasoning() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    let thread = thread(&mut host, MODEL).await;
    turn(&mut host, &thread, json!({})).await;
    // The connection that owns the thread logs in to another workspace, so the thread continues.
    host.login(&TestToken::new("bob").encode(), "ws-2").await;
    let ended = turn(&mut host, &thread, json!({})).await;
    assert_eq!(ended["status"], "completed", "{ended}");
    let ended = turn(&mut host, &thread, json!({})).await;
    assert_eq!(ended["status"], "completed", "{ended}");
    let bodies = bodies(&backend);
    let second = reasoning(2);
    assert_eq!(contents(&bodies[1]), [""; 0]);
    assert_eq!(contents(&bodies[2]), [second.as_str()]);
}

#[tokio::test]
async fn a_refresh_with_another_account_sends_the_turn_again_without_reasoning() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    let thread = thread(&mut host, MODEL).await;
    turn(&mut host, &thread, json!({})).await;
    let first = backend.requests_to(Route::Responses).remove(0);
    backend.reject_bearer(first.bearer().unwrap());
    let params = json!({"threadId": thread, "input": [{"type": "text", "text": "Hello"}]});
    host.request("turn/start", params).await.unwrap();
    let (id, _) = host.asked("account/chatgptAuthTokens/refresh").await;
    let other = TestToken::new("bob").encode();
    let answer = json!({"accessToken": other, "chatgptAccountId": "ws-2"});
    host.respond(&id, answer).await;
    let ended = host.notification("turn/completed").await["turn"].take();
    assert_eq!(ended["status"], "completed", "{ended}");
    let bodies = bodies(&backend);
    assert_eq!(bodies.len(), 3);
    assert_eq!(contents(&bodies[1]).len(), 1, "asked with ada's token");
    assert_eq!(contents(&bodies[2]).len(), 0, "asked with bob's");
}

#[tokio::test]
async fn reasoning_that_the_backend_cannot_read_is_dropped_and_the_turn_goes_on() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    let thread = thread(&mut host, MODEL).await;
    turn(&mut host, &thread, json!({})).await;
    let refusal = json!({"status": 400, "body": {"error": {"code": "invalid_encrypted_content",
        "type": "invalid_request_error", "message": "made up"}}});
    let script = json!({"routes": {"responses": [refusal, {}, refusal]}});
    backend.set_script(Script::from_value(script).unwrap());
    let ended = turn(&mut host, &thread, json!({})).await;
    assert_eq!(ended["status"], "completed", "{ended}");
    let bodies_so_far = bodies(&backend);
    let counts: Vec<_> = bodies_so_far.iter().map(|it| contents(it).len()).collect();
    assert_eq!(counts, [0, 1, 0], "once more, without");
    // A backend that refuses a request without reasoning is not called again.
    let (_server, mut host) = signed_in(&backend, &[]).await;
    let thread = self::thread(&mut host, MODEL).await;
    backend.clear_requests();
    let ended = turn(&mut host, &thread, json!({})).await;
    assert_eq!(ended["status"], "failed", "{ended}");
    assert_eq!(backend.count(Route::Responses), 1);
}

#[tokio::test]
async fn too_much_reasoning_is_left_out_and_the_answer_counts() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    let item = |size: usize| {
        json!({"type": "response.output_item.done", "item": {"type": "reasoning", "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "thought"}],
            "encrypted_content": "g".repeat(size)}})
    };
    let message = json!({"type": "response.output_item.done", "item": {"type": "message",
        "role": "assistant", "id": "msg_1", "content": [{"type": "output_text", "text": "x"}]}});
    let completed = json!({"type": "response.completed", "response": {}});
    let bare = json!({"type": "response.output_item.done", "item": {"type": "reasoning",
        "id": "rs_2", "summary": []}});
    let events = json!([
        item(1000),
        bare,
        item(2 << 20),
        item(2000),
        message,
        completed
    ]);
    let settings = json!({"strict": false});
    let script = json!({"routes": {"responses": [{"events": events}]}, "settings": settings});
    backend.set_script(Script::from_value(script).unwrap());
    let thread = thread(&mut host, MODEL).await;
    assert_eq!(
        turn(&mut host, &thread, json!({})).await["status"],
        "completed"
    );
    assert_eq!(
        turn(&mut host, &thread, json!({})).await["status"],
        "completed"
    );
    let bodies = bodies(&backend);
    let sizes: Vec<_> = contents(&bodies[1]).iter().map(|it| it.len()).collect();
    assert_eq!(sizes, [1000, 2000]);
    let first = &bodies[1]["input"][1];
    assert_eq!(first["id"], "rs_1");
    assert_eq!(first["summary"][0]["text"], "thought");
    assert_eq!(bodies[1]["input"][3]["id"], "msg_1");
}

#[tokio::test]
async fn what_is_not_known_to_reason_is_not_asked_for_its_reasoning() {
    let backend = backend();
    let mut server = Setup::default().backend(&backend).start();
    let mut host = Host::initialized(&mut server).await;
    let key = json!({"type": "apiKey", "apiKey": "sk-made-up-key-of-a-test"});
    host.request("account/login/start", key).await.unwrap();
    for (model, more, is_asked) in [
        ("gpt-4o", json!({}), false),
        ("gpt-4o", json!({"effort": "low"}), true),
        ("gpt-5.5", json!({}), true),
    ] {
        backend.clear_requests();
        let thread = thread(&mut host, model).await;
        turn(&mut host, &thread, more).await;
        let include = &bodies(&backend)[0]["include"];
        assert_eq!(include.is_array(), is_asked, "{model}: {include}");
    }
}

#[tokio::test]
async fn a_conversation_passes_whatever_is_not_published() {
    let backend = backend();
    let url = format!("chatgpt_base_url = \"{}/backend-api\"", backend.base_url());
    let mut server = Setup::default().config(&url).start();
    let mut host = Host::initialized(&mut server).await;
    let token = TestToken {
        account: "ws-1".to_owned(),
        ..TestToken::new("ada")
    };
    host.login(&token.encode(), "ws-1").await;
    let unpublished = json!({"refuseEmptyLists": true, "alwaysRequireInstructions": true,
        "userAgentVersion": false, "wrongAccountStatus": 403, "originators": ["test-host"],
        "streamIdleSeconds": 60, "listOrder": "priority"});
    let settings = json!({"settings": {"unpublished": unpublished}});
    backend.set_script(Script::from_value(settings).unwrap());
    let started = host.request("thread/start", json!({})).await.unwrap();
    let thread = &started["thread"]["id"];
    for _ in 0..3 {
        let ended = turn(&mut host, thread, json!({})).await;
        assert_eq!(ended["status"], "completed", "{ended}");
    }
    assert_eq!(backend.count(Route::Responses), 3);
}

#[tokio::test]
async fn an_attempt_that_fails_because_of_its_own_reasoning_is_repeated_once() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    let reasoning = json!({"type": "response.output_item.done", "item": {"type": "reasoning",
        "id": "rs_1", "summary": [], "encrypted_content": "gAAAA-made-up"}});
    let message = json!({"type": "response.output_item.done", "item": {"type": "message",
        "role": "assistant", "id": "msg_1", "content": [{"type": "output_text", "text": "x"}]}});
    let failed = json!({"type": "response.failed", "response": {"error": {
        "code": "invalid_encrypted_content", "message": "made up"}}});
    let step = json!({"events": [reasoning, message, failed]});
    let script = json!({"routes": {"responses": vec![step; 4]}, "settings": {"strict": false}});
    backend.set_script(Script::from_value(script).unwrap());
    let thread = thread(&mut host, MODEL).await;
    let ended = turn(&mut host, &thread, json!({})).await;
    assert_eq!(ended["status"], "failed", "{ended}");
    assert_eq!(backend.count(Route::Responses), 2);
}
