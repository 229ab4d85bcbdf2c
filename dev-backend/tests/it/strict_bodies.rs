//! The refused bodies of `POST …/responses`, and their errors.

use serde_json::{Value, json};

use crate::support::*;

/// Returns a valid body with one member changed, or removed by null.
fn changed(name: &str, value: &Value) -> Value {
    let mut body = turn("x");
    match value {
        Value::Null => drop(body.as_object_mut().unwrap().remove(name)),
        value => body[name] = value.clone(),
    }
    body
}

async fn refusals(cases: Vec<(Value, Option<Value>)>) {
    let backend = start();
    for (body, expected) in cases {
        for path in [CHATGPT, RESPONSES] {
            let request = with(post(path, Some("t"), &body), "version", "0.169.0");
            let answer = call(&backend, request).await;
            let (status, found) = match expected {
                Some(_) => (400, Some(answer.json())),
                None => (200, None),
            };
            assert_eq!(
                answer.status.as_u16(),
                status,
                "{path} {body} {}",
                answer.body
            );
            assert_eq!(found, expected, "{path} {body}");
        }
    }
}

fn detail(text: &str) -> Option<Value> {
    Some(json!({"detail": text}))
}

#[tokio::test]
async fn stream_and_store_have_to_be_written_out() {
    let stream = || detail("Stream must be set to true");
    let store = || detail("Store must be set to false");
    refusals(vec![
        (turn("x"), None),
        (changed("stream", &Value::Null), stream()),
        (changed("stream", &json!(false)), stream()),
        (changed("store", &Value::Null), store()),
        (changed("store", &json!(true)), store()),
    ])
    .await;
}

#[tokio::test]
async fn members_that_are_not_on_the_list_are_refused_by_name() {
    let mut cases: Vec<_> = [
        "temperature",
        "top_p",
        "top_logprobs",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "user",
        "safety_identifier",
        "truncation",
        "background",
        "prompt_cache_retention",
        "prompt_cache_options",
        "previous_response_id",
        "made_up",
    ]
    .into_iter()
    .map(|name| {
        let text = format!("Unsupported parameter: {name}");
        (changed(name, &json!(1)), detail(&text))
    })
    .collect();
    let mut all = turn("x");
    for (name, value) in [
        ("tools", json!([{"type": "function", "name": "f"}])),
        ("tool_choice", json!("auto")),
        ("parallel_tool_calls", json!(false)),
        ("reasoning", json!({"effort": "high", "summary": "auto"})),
        ("include", json!(["reasoning.encrypted_content"])),
        ("text", json!({"verbosity": "low"})),
        ("prompt_cache_key", json!("k")),
        ("client_metadata", json!({})),
    ] {
        all[name] = value;
    }
    cases.push((all, None));
    refusals(cases).await;
}

#[tokio::test]
async fn only_some_service_tiers_are_supported() {
    let tier = |tier: &str| changed("service_tier", &json!(tier));
    let mut cases = vec![(tier("priority"), None), (tier("flex"), None)];
    for name in ["fast", "default", "auto"] {
        cases.push((
            tier(name),
            detail(&format!("Unsupported service_tier: {name}")),
        ));
    }
    refusals(cases).await;
}

#[tokio::test]
async fn input_is_a_list_with_something_of_the_user() {
    let developer = json!({"type": "message", "role": "developer",
                           "content": [{"type": "input_text", "text": "d"}]});
    let missing = Some(json!({"error": {
        "message": "Missing required parameter: 'input'.", "type": "invalid_request_error",
        "param": "input", "code": "missing_required_parameter"}}));
    refusals(vec![
        (
            changed("input", &json!("x")),
            detail("Input must be a list"),
        ),
        (
            changed("input", &Value::Null),
            detail("Input must be a list"),
        ),
        (changed("input", &json!([])), missing.clone()),
        (changed("input", &json!([developer])), missing),
        (changed("input", &json!([developer, user("x")])), None),
    ])
    .await;
}

#[tokio::test]
async fn instructions_are_required_unless_the_developer_speaks_first() {
    let required = || detail("Instructions are required");
    let developer = json!({"type": "message", "role": "developer", "content": "d"});
    let mut without = changed("instructions", &Value::Null);
    without["input"] = json!([developer, user("x")]);
    let mut later = without.clone();
    later["input"] = json!([user("x"), developer]);
    let mut empty = without.clone();
    empty["instructions"] = "".into();
    refusals(vec![
        (changed("instructions", &Value::Null), required()),
        (changed("instructions", &json!("")), required()),
        (empty, required()),
        (later, required()),
        (without, None),
    ])
    .await;
}

#[tokio::test]
async fn content_has_the_types_of_its_role() {
    let said = |role: &str, kind: &str| {
        let part = json!({"type": kind, "text": "t"});
        let item = json!({"type": "message", "role": role, "content": [part]});
        changed("input", &json!([user("x"), item]))
    };
    let wrong = |kind: &str, supported: &str| {
        let message = format!("Invalid value: '{kind}'. Supported values are: {supported}.");
        Some(json!({"error": {
            "message": message, "type": "invalid_request_error",
            "param": "input[1].content[0]", "code": "invalid_value"}}))
    };
    let of_the_user = "'input_text' and 'input_image'";
    let of_the_model = "'output_text' and 'refusal'";
    let system = || detail("System messages are not allowed");
    refusals(vec![
        (said("assistant", "output_text"), None),
        (said("assistant", "refusal"), None),
        (said("user", "input_image"), None),
        (said("developer", "input_text"), None),
        (
            said("assistant", "input_text"),
            wrong("input_text", of_the_model),
        ),
        (
            said("user", "output_text"),
            wrong("output_text", of_the_user),
        ),
        (
            said("developer", "output_text"),
            wrong("output_text", of_the_user),
        ),
        (said("system", "input_text"), system()),
    ])
    .await;
}

#[tokio::test]
async fn a_refused_body_takes_no_step_of_the_script() {
    let backend = start_with(json!({"routes": {"responses": [{"status": 503}]}}));
    let bad = changed("stream", &Value::Null);
    let status = async |body| {
        call(&backend, post(RESPONSES, Some("t"), body))
            .await
            .status
    };
    assert_eq!(status(&bad).await, 400);
    assert_eq!(status(&turn("x")).await, 503);
}

#[tokio::test]
async fn an_api_key_and_a_lenient_backend_take_any_body() {
    let loose = json!({"model": "any", "input": "x", "temperature": 1});
    let backend = start();
    let answer = call(&backend, post(RESPONSES, Some("sk-made-up"), &loose)).await;
    assert_eq!(answer.status, 200);
    let lenient = start_with(json!({"settings": {"strict": false}}));
    for path in [CHATGPT, RESPONSES] {
        let answer = call(&lenient, post(path, Some("t"), &loose)).await;
        assert_eq!(answer.status, 200, "{path}");
    }
}
