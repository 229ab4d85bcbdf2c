//! `byokey gateway`: what it announces, serves and ends with.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use byokey_dev_backend::{DevBackend, Options, Route};
use byokey_tests::gateway::{Client, Gateway, TOKEN, TURN};
use byokey_tests::{Home, PATIENCE, command};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};

async fn started() -> (DevBackend, Gateway) {
    let backend = DevBackend::start(Options::new()).unwrap();
    let gateway = Gateway::start(&backend, &[]).await;
    (backend, gateway)
}

#[tokio::test]
async fn it_announces_itself_and_ends_with_its_parent() {
    let (_backend, mut gateway) = started().await;
    let account = json!({"kind": "chatgpt", "email": "ada@example.com"});
    assert_eq!(gateway.announced["account"], account);
    assert!(gateway.url.starts_with("http://127.0.0.1:"));
    assert!(gateway.bearer.starts_with("at-") && gateway.bearer.len() == 3 + 43);
    gateway.stdin.take();
    let ended = tokio::time::timeout(PATIENCE, gateway.child.wait()).await;
    assert!(ended.unwrap().unwrap().success());
    let refused = tokio::net::TcpStream::connect(&gateway.client().authority).await;
    assert!(refused.is_err(), "its port is closed");
}

#[tokio::test]
async fn without_a_login_it_names_the_command() {
    let home = Home::new("");
    let ended = command::run(&home, &["gateway", "--json"], &[], "").await;
    assert_eq!(ended.code, Some(1));
    let line: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(line["error"]["code"], "signed_out");
    let message = line["error"]["message"].as_str().unwrap();
    assert!(message.contains("byokey login --store file"), "{message}");
    let ended = command::run(&home, &["gateway"], &[], "").await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    assert!(
        ended.stderr.contains("byokey login --store file"),
        "{ended:?}"
    );
}

#[tokio::test]
async fn each_route_gets_the_credential_in_force() {
    let (backend, gateway) = started().await;
    let client = gateway.client();
    let owner = client
        .get("/api/accounts/v1/user-auth-credential/whoami")
        .await;
    let expected = json!({
        "email": "ada@example.com", "chatgpt_user_id": "user-ada",
        "chatgpt_account_id": "account-ada", "chatgpt_plan_type": "pro",
        "chatgpt_account_is_fedramp": false,
    });
    assert_eq!(owner.json(), expected);
    assert_eq!(
        backend.count(Route::Whoami),
        1,
        "it asked when it started, and answers itself"
    );
    for (path, route) in [
        (
            "/backend-api/codex/models?client_version=0.171.0",
            Route::Models,
        ),
        ("/backend-api/wham/accounts/check", Route::AccountsCheck),
        ("/backend-api/wham/usage", Route::Usage),
        (
            "/backend-api/wham/rate-limit-reset-credits",
            Route::ResetCredits,
        ),
    ] {
        let answer = client.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        let requests = backend.requests_to(route);
        // The gateway may look the routing up by itself, too.
        let more = usize::from(route == Route::AccountsCheck);
        assert!((1..=1 + more).contains(&requests.len()), "{path}");
        for request in &requests {
            assert_eq!(request.bearer(), Some(TOKEN), "{path}");
            assert_eq!(request.header("chatgpt-account-id"), Some("account-ada"));
        }
    }
    let sent = "Originator: codex_exec\r\nUser-Agent: codex_exec/0.171.0\r\nsession-id: s-1\r\n\
                ChatGPT-Account-ID: other\r\nCookie: a=b\r\nx-codex-made-up: 7\r\n";
    let answer = client
        .post_with("/backend-api/codex/responses", TURN, sent)
        .await;
    assert!(
        answer.body.contains("response.completed") && answer.is_whole,
        "{answer:?}"
    );
    assert_eq!(answer.header("access-control-allow-origin"), None);
    let requests = backend.requests_to(Route::Responses);
    let request = requests.first().unwrap();
    assert_eq!(request.bearer(), Some(TOKEN));
    for (name, value) in [
        ("chatgpt-account-id", Some("account-ada")),
        ("originator", Some("codex_exec")),
        ("user-agent", Some("codex_exec/0.171.0")),
        ("session-id", Some("s-1")),
        ("x-codex-made-up", Some("7")),
    ] {
        assert_eq!(request.header(name), value, "{name}");
    }
    let cookie = request.header("cookie").unwrap_or_default();
    assert!(
        !cookie.contains("a=b"),
        "those of the backend alone: {cookie}"
    );
    assert_eq!(String::from_utf8_lossy(&request.body), TURN);
}

#[tokio::test]
async fn what_is_not_in_the_table_is_not_found() {
    let (backend, gateway) = started().await;
    let client = gateway.client();
    for path in [
        "/",
        "/oauth/token",
        "/backend-api/ps/mcp",
        "/v1/files",
        "/backend-api/me",
    ] {
        for answer in [client.get(path).await, client.post(path, "{}").await] {
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (404, "not_found"),
                "{path}"
            );
        }
    }
    for path in [
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/embeddings",
        "/v1/messages",
    ] {
        let refused = client.post(path, "{}").await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (404, "unsupported"),
            "{path}"
        );
        let message = refused.json()["error"]["message"].to_string();
        assert!(message.contains("POST /v1/responses"), "{path}: {message}");
    }
    let expected = json!({"error": {
        "message": "byokey: this gateway does not offer that address.", "type": "byokey",
        "code": "not_found", "param": null,
    }});
    assert_eq!(client.get("/v1/files").await.json(), expected);
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let head = client.head("GET /backend-api/codex/responses", upgrade);
    let mut stream = client.connect().await;
    tokio::io::AsyncWriteExt::write_all(&mut stream, head.as_bytes())
        .await
        .unwrap();
    let mut status = [0; 12];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut status)
        .await
        .unwrap();
    assert_eq!(&status, b"HTTP/1.1 426");
    assert_eq!(backend.count(Route::Responses), 0);
}

#[tokio::test]
async fn an_api_key_of_the_environment_is_used_where_nothing_is_signed_in() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let gateway = Gateway::with_api_key(&backend, "sk-made-up-key-of-a-test").await;
    assert_eq!(gateway.announced["account"], json!({"kind": "apiKey"}));
    let client = gateway.client();
    let answer = client
        .post("/v1/responses", r#"{"model":"gpt-5.5","input":"Hello"}"#)
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let requests = backend.requests_to(Route::Responses);
    assert_eq!(requests[0].bearer(), Some("sk-made-up-key-of-a-test"));
    for path in [
        "/api/accounts/v1/user-auth-credential/whoami",
        "/backend-api/wham/usage",
    ] {
        assert_eq!(
            client.get(path).await.code(),
            "no_chatgpt_account",
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_gateway_does_not_call_itself() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    drop(taken);
    let here = format!("localhost:{port}");
    for config in [
        format!("chatgpt_base_url = \"http://{here}/backend-api\"\n"),
        format!("openai_base_url = \"http://{here}/v1\"\n"),
        byokey_tests::server::mock_provider(&format!("http://{here}")),
    ] {
        let home = Home::new(&config);
        let arguments = ["gateway", "--port", &port.to_string()];
        let key = [("OPENAI_API_KEY", "sk-made-up-key-of-a-test")];
        let ended = command::run(&home, &arguments, &key, "").await;
        assert_eq!(ended.code, Some(2), "{config}: {ended:?}");
        assert!(ended.stderr.contains("would call itself"), "{ended:?}");
    }
}

#[tokio::test]
async fn the_key_of_the_running_gateway_is_printed_to_its_user() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let url = backend.base_url();
    let home = Home::new(&format!("chatgpt_base_url = \"{url}/backend-api\"\n"));
    let begun = std::time::Instant::now();
    let none = command::run(&home, &["gateway", "key"], &[], "").await;
    assert_eq!(none.code, Some(2));
    let waited = begun.elapsed();
    assert!(waited.as_millis() >= 800, "{waited:?}");
    assert!(
        none.stderr.contains("start one with `byokey gateway`"),
        "{none:?}"
    );
    let accounts = format!("{url}/api/accounts");
    let environment = [
        ("CODEX_ACCESS_TOKEN", TOKEN),
        ("CODEX_AUTHAPI_BASE_URL", accounts.as_str()),
    ];
    let mut child = command::command(&home, &["gateway"], &environment)
        .spawn()
        .unwrap();
    let mut key = command::run(&home, &["gateway", "key"], &[], "").await;
    for _ in 0..200 {
        if key.code == Some(0) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        key = command::run(&home, &["gateway", "key"], &[], "").await;
    }
    assert!(key.stdout.starts_with("at-"), "{key:?}");
    // Its address is in the profile that it prints.
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let authority = loop {
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let line = line.expect("a line in time").unwrap().expect("a line");
        if let Some((_, rest)) = line.split_once("http://") {
            break rest.split(['/', '"']).next().unwrap().to_owned();
        }
    };
    let client = Client::new(&format!("http://{authority}"), key.stdout.trim());
    assert_eq!(client.get("/made/up").await.code(), "not_found");
    let second = command::run(&home, &["gateway"], &environment, "").await;
    assert_eq!(second.code, Some(2));
    assert!(
        second.stderr.contains("another `byokey gateway`"),
        "{second:?}"
    );
    let status = command::run(&home, &["gateway", "status"], &[], "").await;
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(status["refused"], 0, "{status}");
    assert_eq!(status["unknown"], json!({"GET /made/up": 1}), "{status}");
    let pid = rustix::process::Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(child.wait().await.unwrap().success());
    let gone = command::run(&home, &["gateway", "key"], &[], "").await;
    assert_eq!(gone.code, Some(2), "{gone:?}");
}
