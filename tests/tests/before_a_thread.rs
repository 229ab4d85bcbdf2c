//! Requests of clients before they start a thread are answered, and truthfully.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use byokey_tests::{Host, Server, Setup};
use serde_json::{Value, json};

async fn answers(server: &mut Server, questions: &[(&str, Value)]) -> Vec<Value> {
    let mut host = Host::initialized(server).await;
    let mut answers = Vec::new();
    for (method, params) in questions {
        answers.push(host.request(method, params.clone()).await.unwrap());
    }
    answers
}

#[tokio::test]
async fn the_defaults_are_reported() {
    let questions = [
        (
            "config/read",
            json!({"includeLayers": true, "cwd": "/somewhere"}),
        ),
        ("configRequirements/read", Value::Null),
    ];
    let answers = answers(&mut Server::start(), &questions).await;
    let config = json!({
        "model": null,
        "model_provider": null,
        "forced_login_method": null,
        "forced_chatgpt_workspace_id": null,
    });
    assert_eq!(
        answers,
        [
            json!({"config": config, "origins": {}, "layers": null}),
            json!({"requirements": null}),
        ]
    );
}

#[tokio::test]
async fn the_settings_in_force_are_returned_without_their_secrets() {
    let setup = Setup::default().config(
        r#"
model = "some-model"
model_provider = "mine"
forced_login_method = "api"
forced_chatgpt_workspace_id = "ws-1"
[model_providers.mine]
base_url = "http://127.0.0.1:9/v1"
experimental_bearer_token = "made-up-secret"
"#,
    );
    let questions = [
        ("config/read", json!({})),
        ("configRequirements/read", json!({})),
    ];
    let answers = answers(&mut setup.start(), &questions).await;
    let config = json!({
        "model": "some-model",
        "model_provider": "mine",
        "forced_login_method": "api",
        "forced_chatgpt_workspace_id": ["ws-1"],
    });
    assert_eq!(
        answers,
        [
            json!({"config": config, "origins": {}, "layers": null}),
            json!({"requirements": {"allowedLoginMethods": ["api"]}}),
        ]
    );
}

#[tokio::test]
async fn there_are_no_tools_to_permit_and_no_skills() {
    let questions = [
        (
            "permissionProfile/list",
            json!({"cwd": "/somewhere", "cursor": null}),
        ),
        ("skills/list", json!({"cwds": ["/a", "/b"]})),
        ("skills/list", json!({"cwds": null, "forceReload": true})),
    ];
    let answers = answers(&mut Server::start(), &questions).await;
    let none_in = |cwd| json!({"cwd": cwd, "skills": [], "errors": []});
    assert_eq!(
        answers,
        [
            json!({"data": [], "nextCursor": null}),
            json!({"data": [none_in("/a"), none_in("/b")]}),
            json!({"data": []}),
        ]
    );
}

#[tokio::test]
async fn a_thread_takes_settings_about_tools() {
    let mut server = Setup::default().config("model = \"some-model\"").start();
    let mut host = Host::initialized(&mut server).await;
    let about_tools = json!({
        "features": {"a_feature": false},
        "projects": {"/somewhere": {"trust_level": "trusted"}},
        "sandbox_workspace_write": {"writable_roots": []},
        "skills": {"config": []},
    });
    let started = host.request("thread/start", json!({"config": about_tools}));
    assert_eq!(started.await.unwrap()["model"], "some-model");
    // Clients send them with every thread, so a warning would be noise.
    let rest = host.quiet_for(Duration::from_millis(50)).await;
    assert!(rest.iter().all(|it| it["method"] != "warning"), "{rest:?}");
}
