//! No secret is ever said: not in answers, not in the log, not in what is told of a crash.

use byokey_dev_backend::{DevBackend, Options, Script};
use byokey_tests::made_up::Random;
use byokey_tests::{Framing, Host, MadeUp, Server, Setup};
use serde_json::{Value, json};

/// Puts a secret of its own into every string of these parameters, but for the names that decide
/// what becomes of them.
fn with_canaries(server: &Server, value: &mut Value, label: &str) {
    match value {
        Value::String(text) => {
            *text = Random::of(&format!("{label}-{text}")).text(40);
            server.canaries.add(text);
        }
        Value::Array(values) => {
            for value in values {
                with_canaries(server, value, label);
            }
        }
        Value::Object(members) => {
            for (name, value) in members {
                if name != "type" {
                    with_canaries(server, value, &format!("{label}-{name}"));
                }
            }
        }
        _ => {}
    }
}

/// Every method with every string member that it knows.
fn requests() -> Vec<(&'static str, Value)> {
    let tokens = json!({
        "type": "chatgptAuthTokens", "accessToken": "", "idToken": "", "chatgptAccountId": "",
        "chatgptPlanType": "",
    });
    let thread = json!({
        "model": "", "modelProvider": "", "cwd": "", "approvalPolicy": "", "sandbox": "",
        "config": {"a": ""}, "baseInstructions": "", "developerInstructions": "",
    });
    let input = json!([{"type": "text", "text": ""}, {"type": "image", "url": ""}]);
    vec![
        ("account/login/start", tokens),
        (
            "account/login/start",
            json!({"type": "apiKey", "apiKey": ["", {"a": ""}]}),
        ),
        (
            "account/login/start",
            json!({"type": "personalAccessToken", "accessToken": ""}),
        ),
        ("account/login/cancel", json!({"loginId": {"a": ""}})),
        ("account/read", json!({"refreshToken": ""})),
        (
            "getAuthStatus",
            json!({"includeToken": "", "refreshToken": ""}),
        ),
        ("model/list", json!({"cursor": "", "limit": ""})),
        ("thread/start", thread),
        (
            "thread/resume",
            json!({"threadId": [""], "history": [""], "path": ""}),
        ),
        ("thread/loaded/list", json!({"cursor": [""], "limit": ""})),
        ("turn/start", json!({"threadId": {"a": ""}, "input": input})),
        ("turn/interrupt", json!({"threadId": [""], "turnId": ""})),
        (
            "initialize",
            json!({"clientInfo": {"name": "", "version": ""}, "capabilities": ""}),
        ),
        ("account/logout", json!([""])),
        ("no/such/method", json!({"a": "", "b": [""]})),
    ]
}

#[tokio::test]
async fn no_parameter_comes_back_in_an_error() {
    for framing in Framing::ALL {
        let mut server = Server::start();
        let mut host = Host::framed(&mut server, framing);
        for introduced in [false, true] {
            if introduced {
                host.introduce("test-host", json!({})).await;
            }
            for (method, mut params) in requests() {
                with_canaries(&server, &mut params, &format!("{method}-{introduced}"));
                // The host looks for the canaries in the answer.
                host.request(method, params).await.unwrap_err();
            }
        }
        finish(server, host).await;
    }
}

#[tokio::test]
async fn garbage_comes_back_nowhere() {
    let mut server = Server::start();
    let mut host = Host::initialized(&mut server).await;
    let canary = MadeUp::jwt("garbage", 200).text;
    server.canaries.add(&canary);
    let messages = [
        canary.clone(),
        format!("[\"{canary}\"]"),
        format!("\"{canary}\""),
        format!(r#"{{"{canary}":1}}"#),
        format!(r#"{{"id":{{"a":"{canary}"}},"method":"account/read"}}"#),
        format!(r#"{{"id":1,"method":["{canary}"]}}"#),
        format!(r#"{{"id":1,"method":"{canary}"}}"#),
        format!(r#"{{"method":"{canary}","params":"{canary}"}}"#),
        format!(r#"{{"id":77,"result":"{canary}"}}"#),
        format!(r#"{{"id":77,"error":"{canary}"}}"#),
        format!(r#"{{"id":1,"id":"{canary}"}}"#),
        format!(r#"{{"accessToken":"{canary}"#),
        format!("Content-Length: {canary}"),
    ];
    for message in messages {
        host.send_raw(format!("{message}\n").as_bytes()).await;
        host.request("account/read", json!({})).await.unwrap();
    }
    finish(server, host).await;
}

#[tokio::test]
async fn what_the_backend_repeats_is_not_passed_on() {
    let token = MadeUp::jwt("repeated", 600).text;
    let body = json!({"error": {"message": token, "type": token, "code": token}, "detail": token});
    let id = token.get(..100).unwrap();
    let failing =
        |status: u16| json!({"status": status, "body": body, "headers": {"x-request-id": id}});
    let event = json!({"type": "response.failed", "response": {"error": {"message": token, "code": token}}});
    let script = json!({"routes": {
        "usage": [failing(400), failing(403), {"status": 200, "body": {"plan_type": [token]}}, {"body": token}],
        "profile": [failing(404), {"body": {"stats": token}}],
        "models": [failing(418), {"body": {"models": token}}],
        "responses": [failing(400), failing(429), {"events": [event]}, {"events": [token.clone()]}],
    }});
    let backend = DevBackend::start(Options::new().script(Script::from_value(script).unwrap()));
    let backend = backend.unwrap();
    let mut server = Setup::default().backend(&backend).start();
    let mut host = Host::initialized(&mut server).await;
    host.login(&token, "ws-1").await;
    for method in ["account/rateLimits/read", "account/usage/read"] {
        for _ in 0..2 {
            host.request(method, json!({})).await.unwrap_err();
        }
    }
    for _ in 0..2 {
        drop(host.request("account/rateLimits/read", json!({})).await);
        drop(host.request("model/list", json!({})).await);
    }
    let thread = host
        .request("thread/start", json!({"model": "m"}))
        .await
        .unwrap();
    for _ in 0..4 {
        let input = json!([{"type": "text", "text": "Hello"}]);
        let params = json!({"threadId": thread["thread"]["id"], "input": input});
        host.request("turn/start", params).await.unwrap();
        let completed = host.notification("turn/completed").await;
        assert_eq!(completed["turn"]["status"], "failed");
    }
    finish(server, host).await;
}

#[tokio::test]
async fn a_session_that_is_traced_to_standard_error() {
    let mut server = Setup::default().argument("--trace-protocol=-").start();
    let mut host = Host::initialized(&mut server).await;
    let (first, second) = (
        MadeUp::jwt("traced-1", 300).text,
        MadeUp::jwt("traced-2", 300).text,
    );
    for token in [&first, &second, &first] {
        host.login(token, "ws-1").await;
    }
    let misplaced = json!({"type": first, "access_token": first, "note": format!("it is {first}")});
    host.request("account/login/start", misplaced)
        .await
        .unwrap_err();
    let told = host
        .request("getAuthStatus", json!({"includeToken": true}))
        .await
        .unwrap();
    assert_eq!(told["authToken"], first);
    host.send_raw(format!("{{\"accessToken\":\"{first}\"\n").as_bytes())
        .await;
    host.request("account/read", json!({})).await.unwrap();
    host.close_input();
    assert_eq!(server.exit_code().await, Some(0));
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;

    let log = server.log();
    server.canaries.check_text("the trace", &log);
    let names: Vec<_> = log
        .split("\"accessToken\":\"‹redacted 300 bytes #")
        .skip(1)
        .map(|rest| rest.get(..4).unwrap())
        .collect();
    assert_eq!(names.len(), 3, "{log}");
    assert_eq!(names[0], names[2]);
    assert!(log.contains(&format!(
        "\"authToken\":\"‹redacted 300 bytes #{}›\"",
        names[0]
    )));
    assert!(log.contains("‹unreadable line, "), "{log}");
}

/// Ends a program. Whatever it said was looked through, and its log is when it goes.
async fn finish(mut server: Server, mut host: Host) {
    host.close_input();
    assert_eq!(server.exit_code().await, Some(0));
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    server.canaries.check_text("standard error", &server.log());
}
