//! What SDKs of OpenAI send is made fit for the ChatGPT backend, and turns are recorded.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::os::unix::fs::PermissionsExt as _;

use byokey_dev_backend::{DevBackend, Options, Route, Script};
use byokey_tests::gateway::{Client, Gateway, TOKEN, TURN};
use serde_json::{Value, json};

fn script(steps: Value) -> DevBackend {
    let script = json!({"routes": {"responses": steps}});
    let script = Script::from_json(&script.to_string()).unwrap();
    DevBackend::start(Options::new().script(script)).unwrap()
}

/// Returns the data of the events of a stream.
fn events(body: &str) -> Vec<Value> {
    let data = body.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

const PLAIN: &str =
    r#"{"model":"gpt-5.5","input":"Hello","max_output_tokens":50,"temperature":0.5}"#;

#[tokio::test]
async fn a_plain_request_has_a_whole_answer() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let gateway = Gateway::start(&backend, &[]).await;
    let answer = gateway.client().post("/v1/responses", PLAIN).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let response = answer.json();
    assert_eq!(response["status"], "completed");
    assert_eq!(
        response["output"][0]["content"][0]["text"],
        "You said: Hello"
    );
    assert!(response["usage"]["total_tokens"].is_u64());
    let sent = &backend.requests_to(Route::Responses)[0];
    let sent: Value = serde_json::from_slice(&sent.body).unwrap();
    assert_eq!(
        (&sent["store"], &sent["stream"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(sent.get("max_output_tokens"), None);
}

#[tokio::test]
async fn a_streamed_request_ends_with_the_output() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let gateway = Gateway::start(&backend, &[]).await;
    let body = r#"{"model":"gpt-5.5","input":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hello"}],"stream":true}"#;
    let answer = gateway.client().post("/v1/responses", body).await;
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    let events = events(&answer.body);
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.completed");
    assert_eq!(
        last["response"]["output"][0]["content"][0]["text"],
        "You said: Hello"
    );
    assert!(
        events
            .iter()
            .all(|event| event["type"] != "codex.rate_limits")
    );
    assert!(
        events
            .iter()
            .any(|event| event["type"] == "response.output_text.delta")
    );
    // What codex sends passes as it is, in both directions.
    let answer = gateway
        .client()
        .post("/backend-api/codex/responses", TURN)
        .await;
    let last = self::events(&answer.body).pop().unwrap();
    assert_eq!(last["response"]["output"], json!([]));
}

#[tokio::test]
async fn a_failed_answer_is_an_error_of_the_api() {
    let failed = |code: &str| json!({"type": "response.failed", "response": {"status": "failed", "error": {"code": code, "message": "made up"}}});
    let backend = script(json!([
        {"events": [failed("rate_limit_exceeded")]},
        {"events": [failed("context_length_exceeded")]},
        {"events": [failed("server_is_overloaded")]},
        {"events": [{"type": "error", "code": "made_up", "message": "made up"}]},
        {"events": [{"type": "response.created", "response": {"id": "r"}}], "drop": true},
    ]));
    let gateway = Gateway::start(&backend, &[]).await;
    for (status, code) in [
        (429, "rate_limit_exceeded"),
        (400, "context_length_exceeded"),
        (503, "server_is_overloaded"),
        (502, "made_up"),
        (502, "backend_unreachable"),
    ] {
        let answer = gateway.client().post("/v1/responses", PLAIN).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn the_list_of_models_serves_codex_and_sdks() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let gateway = Gateway::start(&backend, &[]).await;
    let list = gateway.client().get("/v1/models").await.json();
    assert_eq!(list["object"], "list");
    assert_eq!(
        list["data"].as_array().unwrap().len(),
        list["models"].as_array().unwrap().len()
    );
    let of_codex = gateway
        .client()
        .get("/backend-api/codex/models?client_version=0.171.0")
        .await;
    assert_eq!(of_codex.json().get("data"), None);
}

async fn lines(client: &Client, file: &std::path::Path, count: usize) -> Vec<Value> {
    let deadline = std::time::Instant::now() + byokey_tests::PATIENCE;
    loop {
        let text = std::fs::read_to_string(file).unwrap();
        let lines: Vec<Value> = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        if lines.len() >= count {
            assert!(
                !text.contains(TOKEN) && !text.contains(&client.bearer),
                "{text}"
            );
            return lines;
        }
        assert!(std::time::Instant::now() < deadline, "{text}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn each_turn_is_recorded_on_one_line() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("turns.jsonl");
    let gateway = Gateway::start(&backend, &["--record", file.to_str().unwrap()]).await;
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let client = gateway.client();
    let first = r#"{"role":"user","content":[{"type":"input_text","text":"One"}]}"#;
    let answer = r#"{"type":"message","role":"assistant","content":[{"type":"output_text","text":"You said: One"}]}"#;
    let second = r#"{"role":"user","content":[{"type":"input_text","text":"Two"}]}"#;
    let turn = |input: &str| {
        format!(
            r#"{{"model":"gpt-5.5","instructions":"x","store":false,"stream":true,"input":[{input}]}}"#
        )
    };
    for input in [first.to_owned(), [first, answer, second].join(",")] {
        let path = "/backend-api/codex/responses";
        let sent = client
            .post_with(path, &turn(&input), "thread-id: t-1\r\n")
            .await;
        assert_eq!(sent.status, 200, "{sent:?}");
    }
    client.post("/v1/responses", PLAIN).await;
    client
        .post(
            "/v1/responses",
            r#"{"model":"gpt-5.5","input":"x","unheard_of":1}"#,
        )
        .await;
    let lines = lines(&client, &file, 4).await;
    assert_eq!(lines.len(), 4);
    for line in &lines[..3] {
        assert_eq!(line["status"], "completed", "{line}");
        assert_eq!(line["httpStatus"], 200);
        assert_eq!(line["model"], "gpt-5.5");
        assert!(line["usage"]["total_tokens"].is_u64(), "{line}");
        assert_eq!(line["output"].as_array().unwrap().len(), 1);
        let account =
            json!({"kind": "chatgpt", "email": "ada@example.com", "accountId": "account-ada"});
        assert_eq!(line["account"], account);
    }
    assert_eq!(lines[0]["thread"], "t-1");
    assert_eq!(
        lines[0]["input"],
        serde_json::from_str::<Value>(&format!("[{first}]")).unwrap()
    );
    assert_eq!(
        lines[1]["input"],
        serde_json::from_str::<Value>(&format!("[{second}]")).unwrap()
    );
    assert_eq!(lines[2]["input"], json!(["Hello"]));
    assert_eq!(
        (&lines[3]["status"], &lines[3]["httpStatus"]),
        (&json!("refused"), &json!(400))
    );
}

#[tokio::test]
async fn a_file_of_another_kind_is_not_recorded_to() {
    let folder = tempfile::tempdir().unwrap();
    let (target, link) = (folder.path().join("target"), folder.path().join("link"));
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let home = byokey_tests::Home::new("");
    let arguments = ["gateway", "--record", link.to_str().unwrap()];
    let ended = byokey_tests::command::run(&home, &arguments, &[], "").await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("cannot record to"), "{ended:?}");
    assert!(!target.exists());
}
