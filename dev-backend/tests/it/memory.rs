//! State across turns: reasoning and prompts.

use byokey_dev_backend::DevBackend;
use serde_json::{Value, json};

use crate::support::*;

/// Runs a turn in a session of an account.
async fn turn_in(backend: &DevBackend, session: &str, account: &str, body: &Value) -> Answer {
    let request = with(post(CHATGPT, Some("t"), body), "version", "0.169.0");
    let request = with(request, "chatgpt-account-id", account);
    call(backend, with(request, "session-id", session)).await
}

fn asking_for_reasoning(model: &str, items: Value) -> Value {
    let mut body = turn("x");
    body["model"] = model.into();
    body["include"] = json!(["reasoning.encrypted_content"]);
    body["input"] = items;
    body
}

#[tokio::test]
async fn encrypted_reasoning_is_accepted_back_by_its_owner_alone() {
    let backend = start();
    let first = asking_for_reasoning("gpt-6.2-sol", json!([user("x")]));
    let events = turn_in(&backend, "s-1", "ws-1", &first).await.events();
    let item = events
        .iter()
        .find(|event| event["item"]["type"] == "reasoning")
        .map(|event| event["item"].clone())
        .unwrap();
    let items = json!([user("x"), item, user("y")]);
    for (session, account, model, status) in [
        ("s-1", "ws-1", "gpt-6.2-sol", 200),
        ("s-1", "ws-1", "gpt-6.2-astra", 200),
        ("s-1", "ws-1", "gpt-5.6-sol", 400),
        ("s-1", "ws-2", "gpt-6.2-sol", 400),
        ("s-2", "ws-1", "gpt-6.2-sol", 400),
    ] {
        let body = asking_for_reasoning(model, items.clone());
        let answer = turn_in(&backend, session, account, &body).await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{session} {account} {model}"
        );
        if status == 400 {
            assert_eq!(answer.json()["error"]["code"], "invalid_encrypted_content");
        }
    }
}

#[tokio::test]
async fn reasoning_of_a_script_is_accepted_back_too() {
    let item = json!({"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "e"});
    let done = json!({"type": "response.output_item.done", "output_index": 0, "item": item});
    let backend = start_with(json!({"routes": {"responses": [{"events": [done]}]}}));
    let body = asking_for_reasoning("gpt-6.2-sol", json!([user("x"), item]));
    assert_eq!(
        turn_in(&backend, "s", "ws", &body).await.status,
        400,
        "not sent yet"
    );
    let first = asking_for_reasoning("gpt-6.2-sol", json!([user("x")]));
    assert_eq!(turn_in(&backend, "s", "ws", &first).await.status, 200);
    assert_eq!(turn_in(&backend, "s", "ws", &body).await.status, 200);
}

#[tokio::test]
async fn reasoning_without_its_content_is_dropped() {
    let backend = start();
    let bare = json!({"type": "reasoning", "id": "rs-foreign", "summary": []});
    let input_tokens = async |items: Value| {
        let body = asking_for_reasoning("gpt-6.2-sol", items);
        let events = turn_in(&backend, "s", "ws", &body).await.events();
        events.last().unwrap()["response"]["usage"]["input_tokens"].clone()
    };
    let without = input_tokens(json!([user("x")])).await;
    assert_eq!(input_tokens(json!([user("x"), bare])).await, without);
}

#[tokio::test]
async fn cached_tokens_need_the_same_session_and_prefix() {
    let backend = start();
    let long = "a word ".repeat(1_000);
    let first = json!([user(&long)]);
    let second = json!([user(&long), user("more")]);
    let cached = async |session: Option<&str>, items: &Value| {
        let mut body = turn("x");
        body["input"] = items.clone();
        let mut request = with(post(CHATGPT, Some("t"), &body), "version", "0.169.0");
        if let Some(session) = session {
            request = with(request, "session-id", session);
        }
        let events = call(&backend, request).await.events();
        let details = &events.last().unwrap()["response"]["usage"]["input_tokens_details"];
        details["cached_tokens"].as_u64().unwrap()
    };
    assert_eq!(cached(Some("s-1"), &first).await, 0);
    let hit = cached(Some("s-1"), &second).await;
    assert!(hit >= 1_024 && hit % 128 == 0, "{hit}");
    assert_eq!(cached(Some("s-2"), &second).await, 0, "another session");
    assert_eq!(cached(None, &second).await, 0, "no session");
    assert_eq!(
        cached(Some("s-1"), &json!([user("x"), user(&long)])).await,
        0,
        "another prefix"
    );
    let underscore = with(post(CHATGPT, Some("t"), &turn(&long)), "version", "0.169.0");
    let underscore = with(underscore, "session_id", "s-2");
    let events = call(&backend, underscore).await.events();
    let usage = &events.last().unwrap()["response"]["usage"];
    assert_eq!(
        usage["input_tokens_details"]["cached_tokens"], 0,
        "the old name of the header"
    );
}
