//! The gate of models, their list, and the lite form.

use byokey_dev_backend::DevBackend;
use serde_json::{Value, json};

use crate::support::*;

async fn list(backend: &DevBackend, version: &str) -> Vec<Value> {
    let path = format!("/backend-api/codex/models?client_version={version}");
    let answer = call(backend, get(&path, Some("t"))).await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("etag").starts_with("W/\""));
    answer.json()["models"].as_array().unwrap().clone()
}

fn slugs(models: &[Value]) -> Vec<&str> {
    models
        .iter()
        .map(|model| model["slug"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn the_list_is_filtered_by_the_version_that_it_is_asked_with() {
    let backend = start();
    for (version, count, newest) in [
        ("0.21.0", 0, None),
        ("nonsense", 0, None),
        ("0.142.5", 3, Some("gpt-5.5")),
        ("0.144.0", 7, Some("gpt-5.6-luna")),
        ("0.153.0", 10, Some("gpt-6.1-sol")),
        ("0.155.0", 12, Some("gpt-6-sol")),
        ("0.166.0", 14, Some("gpt-6.2-sol")),
        ("1.0.0", 14, Some("gpt-6.2-sol")),
    ] {
        let models = list(&backend, version).await;
        assert_eq!(models.len(), count, "{version}");
        assert!(
            newest.is_none_or(|newest| slugs(&models).contains(&newest)),
            "{version}"
        );
    }
    let answer = call(&backend, get("/backend-api/codex/models", Some("t"))).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.json()["detail"][0]["loc"],
        json!(["query", "client_version"])
    );
}

#[tokio::test]
async fn the_order_of_the_list_is_not_that_of_priority() {
    let backend = start();
    let models = list(&backend, "0.169.0").await;
    let lowest = models
        .iter()
        .min_by_key(|model| model["priority"].as_u64().unwrap());
    assert_eq!(lowest.unwrap()["slug"], "gpt-6.2-sol");
    let listed = |model: &&Value| model["visibility"] == "list";
    assert_eq!(models.iter().find(listed).unwrap()["slug"], "gpt-5.5");
    for model in &models {
        assert_eq!(model.get("is_default"), None);
        assert_ne!(model["slug"], "codex-auto-balanced");
        assert!(model["minimal_client_version"].is_string());
    }
    let script = json!({"settings": {"unpublished": {"listOrder": "priority"}}});
    let models = list(&start_with(script), "0.169.0").await;
    assert_eq!(models[0]["slug"], "gpt-6.2-sol");
}

#[tokio::test]
async fn the_list_of_the_api_has_ids() {
    let backend = start();
    let answer = call(&backend, get("/v1/models", Some("sk-made-up")))
        .await
        .json();
    assert_eq!(answer["object"], "list");
    assert_eq!(answer["data"].as_array().unwrap().len(), 11);
    let answer = call(
        &backend,
        get("/v1/models?client_version=0.144.0", Some("t")),
    )
    .await;
    assert_eq!(
        answer.json()["models"].as_array().unwrap().len(),
        7,
        "a shared token"
    );
}

#[tokio::test]
async fn a_model_is_refused_by_the_version_of_the_turn() {
    let backend = start();
    let status = async |model: &str, headers: &[(&'static str, &str)]| {
        let mut body = turn("x");
        body["model"] = model.into();
        let mut request = post(CHATGPT, Some("t"), &body);
        for &(name, value) in headers {
            request = with(request, name, value);
        }
        let answer = call(&backend, request).await;
        let text = match answer.status.as_u16() {
            200 => String::new(),
            _ => answer.json().to_string(),
        };
        (answer.status.as_u16(), text)
    };
    let version = |version| [("version", version)];
    let newest = "gpt-6.2-sol";
    assert_eq!(status(newest, &version("0.166.0")).await.0, 200);
    let (code, text) = status(newest, &version("0.165.9")).await;
    assert_eq!(code, 400);
    assert!(
        text.contains("The 'gpt-6.2-sol' model requires a newer version of Codex"),
        "{text}"
    );
    for unknown in ["codex-auto-balanced", "dev-model", ""] {
        let (code, text) = status(unknown, &version("0.169.0")).await;
        assert_eq!(code, 400);
        let expected = "model is not supported when using Codex with a ChatGPT account.";
        assert!(text.contains(expected), "{text}");
    }
    let (code, text) = status(newest, &[]).await;
    assert_eq!(code, 404);
    assert!(text.contains("Model not found gpt-6.2-sol"), "{text}");
    let agent = |agent| [("user-agent", agent)];
    assert_eq!(
        status(newest, &agent("codex_vscode/0.169.0 (Linux)"))
            .await
            .0,
        200
    );
    assert_eq!(
        status(newest, &agent("codex_vscode/0.0.0 (Linux)")).await.0,
        400
    );
}

#[tokio::test]
async fn the_lite_form_is_held_to_its_rules() {
    let backend = start();
    let tools = json!({"type": "additional_tools", "role": "developer", "tools": []});
    let lite = json!({
        "model": "gpt-6.2-sol", "input": [tools, user("x")], "stream": true, "store": false,
        "tool_choice": "auto", "parallel_tool_calls": false,
        "reasoning": {"context": "all_turns"},
    });
    let call_lite = async |backend: &DevBackend, body: &Value, header: Option<&str>| {
        let mut request = with(post(CHATGPT, Some("t"), body), "version", "0.169.0");
        if let Some(header) = header {
            request = with(request, "x-openai-internal-codex-responses-lite", header);
        }
        call(backend, request).await
    };
    assert_eq!(call_lite(&backend, &lite, Some("true")).await.status, 200);
    for (name, value) in [
        ("tool_choice", json!("none")),
        ("parallel_tool_calls", json!(true)),
        ("reasoning", json!({"context": "last"})),
        ("tools", json!([])),
        ("instructions", json!("i")),
    ] {
        let mut body = lite.clone();
        body[name] = value;
        let answer = call_lite(&backend, &body, Some("true")).await;
        assert_eq!(answer.status, 400, "{name}");
        assert_eq!(
            answer.json()["error"]["code"],
            "unsupported_value",
            "{name}"
        );
    }
    let mut other = lite.clone();
    other["model"] = "gpt-5.5".into();
    let answer = call_lite(&backend, &other, Some("true")).await;
    assert_eq!(answer.status, 400);
    assert!(
        answer
            .body
            .contains("x-openai-internal-codex-responses-lite")
    );

    let script = json!({"settings": {"unpublished": {"liteOnlyModels": ["gpt-6.2-sol"]}}});
    let enforcing = start_with(script);
    assert_eq!(call_lite(&enforcing, &turn("x"), None).await.status, 400);
    assert_eq!(call_lite(&enforcing, &lite, Some("true")).await.status, 200);
    assert_eq!(call_lite(&backend, &turn("x"), None).await.status, 200);
}
