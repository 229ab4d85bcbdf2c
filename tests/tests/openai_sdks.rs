//! OpenAI's SDKs, unmodified, against the gateway.
//!
//! `tests/openai-sdks/setup.sh` installs them under `.cache/`; without one its tests are skipped with
//! a message.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::Stdio;
use std::time::Duration;

use byokey_dev_backend::{DevBackend, Options, Route, Script};
use byokey_tests::gateway::{Gateway, TOKEN};
use byokey_tests::issuer::{Ask, access_token};
use byokey_tests::shared_store::SharedStore;
use byokey_tests::tools::library;
use byokey_tests::{Home, byokey, command};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

/// Timeout of a driver, which starts an interpreter.
const PATIENCE: Duration = Duration::from_secs(90);
const REFRESH_TOKEN: &str = "rt-made-up-refresh-token-of-an-sdk";
const KEY: &str = "sk-made-up-key-behind-a-gateway";

/// A driver: its interpreter, its arguments, and its variables.
type Driver = (Vec<String>, Option<(&'static str, String)>);

fn python() -> Option<Driver> {
    let library = library("openai-sdks", "python")?;
    let interpreter = library.installed.join("venv/bin/python3");
    let driver = library.source.join("driver.py");
    let words = [interpreter, driver].map(|it| it.display().to_string());
    Some((words.to_vec(), None))
}

fn node() -> Option<Driver> {
    let library = library("openai-sdks", "node")?;
    let driver = library.source.join("driver.cjs").display().to_string();
    let modules = library.installed.join("node_modules").display().to_string();
    Some((vec!["node".into(), driver], Some(("NODE_PATH", modules))))
}

fn drivers() -> impl Iterator<Item = Driver> {
    [python(), node()].into_iter().flatten()
}

fn started((words, variable): &Driver) -> Command {
    let (program, arguments) = words.split_first().unwrap();
    let mut command = Command::new(program);
    command
        .args(arguments)
        .envs(variable.clone())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

fn of(gateway: &Gateway, driver: &Driver) -> Command {
    let mut command = started(driver);
    command
        .env("OPENAI_BASE_URL", format!("{}/v1", gateway.url))
        .env("OPENAI_API_KEY", &gateway.bearer)
        .env("NO_PROXY", "127.0.0.1")
        .env("HOME", gateway.home.path());
    command
}

/// A store with a login, and its backend.
async fn signed_in(script: &Value) -> SharedStore {
    let script = Script::from_json(&json!({"routes": {"responses": script}}).to_string());
    let shared = SharedStore {
        backend: DevBackend::start(Options::new().script(script.unwrap())).unwrap(),
        ..SharedStore::new().await
    };
    shared.keep(&access_token(90), REFRESH_TOKEN);
    shared
}

fn config(shared: &SharedStore) -> String {
    let url = shared.backend.base_url();
    format!("chatgpt_base_url = \"{url}/backend-api\"\nopenai_base_url = \"{url}/v1\"\n")
}

fn variables(shared: &SharedStore) -> [(&'static str, String); 2] {
    let folder = shared.folder.path().display().to_string();
    [
        ("BYOKEY_HOME", folder),
        ("CODEX_APP_SERVER_LOGIN_ISSUER", shared.issuer.url()),
    ]
}

async fn on(shared: &SharedStore) -> Gateway {
    let variables = variables(shared);
    let variables = variables
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    Gateway::in_home(Home::new(&config(shared)), &["--store", "file"], &variables).await
}

/// Runs a driver to its end. Returns what it said, without what a login has.
async fn said(mut driver: Command, secrets: &[&str]) -> String {
    let output = tokio::time::timeout(PATIENCE, driver.output()).await;
    let output = output.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{text}");
    for secret in secrets {
        assert!(!said.contains(secret) && !text.contains(secret));
    }
    said
}

/// Everything works, and what is not there is refused by name.
fn assert_all(said: &str) {
    let mut seen: Value = serde_json::from_str(said.trim()).unwrap();
    let chat = seen["chat"].take();
    assert!(
        chat.as_str().unwrap().contains("POST /v1/responses"),
        "{chat}"
    );
    let expected = json!({
        "whole": "You said: Hello",
        "status": "completed",
        "tokens": true,
        "streamed": "You said: Hello",
        "final": "You said: Hello",
        "models": true,
        "chat": null,
        "wrong": "gateway_key",
    });
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn they_work_unmodified() {
    for driver in drivers() {
        let backend = DevBackend::start(Options::new()).unwrap();
        let gateway = Gateway::start(&backend, &[]).await;
        assert_all(&said(of(&gateway, &driver), &[TOKEN]).await);
        assert_eq!(backend.count(Route::Responses), 2);
    }
}

#[tokio::test]
async fn they_see_nothing_of_a_401_in_the_middle() {
    for driver in drivers() {
        // Of the whole answer, the streamed one, and neither.
        for steps in [
            json!([{"status": 401}]),
            json!([{"text": ["You said: Hello"]}, {"status": 401}]),
        ] {
            let shared = signed_in(&steps).await;
            let gateway = on(&shared).await;
            let secrets = [access_token(90), access_token(1)];
            let secrets = secrets.each_ref().map(String::as_str);
            assert_all(&said(of(&gateway, &driver), &secrets).await);
            assert_eq!(shared.backend.count(Route::Responses), 3);
            assert_eq!(shared.issuer.asked(Ask::Refresh).len(), 1);
            let requests = shared.backend.requests_to(Route::Responses);
            assert_eq!(requests[0].bearer(), Some(secrets[0]));
            assert_eq!(requests[2].bearer(), Some(secrets[1]));
        }
    }
}

#[tokio::test]
async fn a_sign_out_in_the_middle_ends_an_answer_and_names_the_command() {
    for driver in drivers() {
        let shared = signed_in(&json!([{"endless": "deltas", "repeat": 0}])).await;
        let gateway = on(&shared).await;
        let mut driver = of(&gateway, &driver);
        let mut child = driver
            .arg("signed-out")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        assert_eq!(line.unwrap().unwrap().as_deref(), Some("begun"));
        let variables = variables(&shared);
        let variables = variables
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        let logout = ["logout", "--store", "file"];
        let ended = command::run(&Home::new(""), &logout, &variables, "").await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let seen: Value = serde_json::from_str(&line.unwrap().unwrap().unwrap()).unwrap();
        assert_eq!(
            (&seen["broke"], &seen["code"]),
            (&json!(true), &json!("signed_out")),
            "{seen}"
        );
        assert!(
            seen["message"].to_string().contains("byokey login"),
            "{seen}"
        );
    }
}

fn item() -> Value {
    let content = json!([{"type": "output_text", "text": "You said: Hello", "annotations": []}]);
    json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
        "content": content})
}

fn response(status: &str) -> Value {
    let output = if status == "completed" {
        vec![item()]
    } else {
        Vec::new()
    };
    json!({"id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-5.5",
        "status": status, "output": output, "tools": [], "tool_choice": "auto",
        "parallel_tool_calls": true,
        "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}})
}

fn events() -> Value {
    let at = |kind: &str, more: Value| {
        let mut event = json!({"type": kind, "item_id": "msg_1", "output_index": 0,
            "content_index": 0});
        event
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        event
    };
    let mut begun = item();
    begun["content"] = json!([]);
    let part = json!({"type": "output_text", "text": "", "annotations": []});
    json!([
        {"type": "response.created", "response": response("in_progress")},
        at("response.output_item.added", json!({"item": begun})),
        at("response.content_part.added", json!({"part": part})),
        at("response.output_text.delta", json!({"delta": "You said: Hello"})),
        at("response.output_item.done", json!({"item": item()})),
        {"type": "response.completed", "response": response("completed")},
    ])
}

#[tokio::test]
async fn they_work_with_an_api_key_in_force() {
    for driver in drivers() {
        // The API, other than the ChatGPT backend, answers whole, and with the output at the end.
        let steps = json!({"routes": {"responses": [
            {"body": response("completed"), "headers": {"content-type": "application/json"}},
            {"events": events()},
        ]}});
        let script = Script::from_json(&steps.to_string()).unwrap();
        let backend = DevBackend::start(Options::new().script(script)).unwrap();
        let gateway = Gateway::with_api_key(&backend, KEY).await;
        assert_all(&said(of(&gateway, &driver), &[KEY]).await);
        let requests = backend.requests_to(Route::Responses);
        assert_eq!(requests.len(), 2);
        assert!(requests.iter().all(|it| it.bearer() == Some(KEY)));
    }
}

#[tokio::test]
async fn byokey_run_leads_them_past_proxies_and_records_no_token() {
    for driver in drivers() {
        let shared = signed_in(&json!([])).await;
        let home = Home::new(&config(&shared));
        let file = home.path().join("turns.jsonl");
        let mut command = Command::new(byokey());
        let (words, variable) = &driver;
        command
            .args(["run", "--store", "file", "--record"])
            .arg(&file)
            .arg("--")
            .args(words)
            .envs(variable.clone())
            .envs(variables(&shared))
            .env("HOME", home.path())
            .env("CODEX_HOME", home.codex_home())
            .env_remove("NO_PROXY")
            .env_remove("no_proxy")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env(name, "http://127.0.0.1:9");
            command.env(name.to_lowercase(), "http://127.0.0.1:9");
        }
        let token = access_token(90);
        assert_all(&said(command, &[&token, REFRESH_TOKEN]).await);
        let is_written = async {
            loop {
                let text = std::fs::read_to_string(&file).unwrap();
                if text.lines().count() == 2 && text.ends_with('\n') {
                    return text;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let text = tokio::time::timeout(PATIENCE, is_written).await;
        let text = text.expect("two lines");
        let payload = token.split('.').nth(1).unwrap();
        // The last is how bearers of gateways begin.
        for part in [token.as_str(), payload, REFRESH_TOKEN, "Bearer", "at-"] {
            assert!(!text.contains(part), "{part}");
        }
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["status"], "completed", "{line}");
            assert_eq!(line["account"]["email"], "ada@example.com");
        }
    }
}
