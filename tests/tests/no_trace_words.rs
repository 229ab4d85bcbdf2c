//! No secret appears in output: not in responses, not in the log, not in the report of a crash.

use byokey_dev_backend::{DevBackend, Options, Script};
use byokey_tests::fake_secrets::Random;
use byokey_tests::issuer::{Ask, Issuer};
use byokey_tests::ports::LoginPorts;
use byokey_tests::{Canaries, Framing, Host, MadeUp, Server, Setup, messages};
use serde_json::{Value, json};

/// Returns a separate canary for each place of each message.
fn canary(number: usize) -> String {
    Random::of(&format!("place-{number}")).text(40)
}

/// Returns values of the wrong type: a canary in every form.
fn shapes(canary: &str) -> [Value; 3] {
    [json!(canary), json!([canary]), json!({canary: canary})]
}

/// Named in errors, as by codex: ids that the client got from the server.
const NAMED_IN_ERRORS: [&str; 3] = ["loginId", "threadId", "turnId"];

/// Sends every message of the schema, with a canary at each place in turn. No error and no line of
/// the log contains one; only non-secret ones may come back, and only in a result.
#[tokio::test]
async fn no_parameter_comes_back_in_an_error() {
    let backend = DevBackend::start(Options::new()).unwrap();
    for framing in Framing::ALL {
        let mut server = Setup::default().backend(&backend).start();
        let mut host = Host::framed(&mut server, framing);
        let canaries = Canaries::default();
        for introduced in [false, true] {
            if introduced {
                host.introduce("test-host", json!({})).await;
            }
            let mut number = 0;
            for gapped in messages::of_client() {
                if gapped.method == "initialize" && !introduced {
                    continue;
                }
                for shape in 0..3 {
                    number += 1;
                    let text = canary(number);
                    canaries.add(&text);
                    let params = gapped.params(shapes(&text)[shape].clone());
                    let method = &gapped.method;
                    if !gapped.is_request {
                        host.send(&json!({"method": method, "params": params}))
                            .await;
                        continue;
                    }
                    let is_named = shape == 0
                        && gapped
                            .member()
                            .is_some_and(|it| NAMED_IN_ERRORS.contains(&it));
                    if let Err(refused) = host.request(method, params).await
                        && !is_named
                    {
                        canaries.check_text(method, &format!("{refused:?}"));
                    }
                }
            }
        }
        let params = json!({"a": canary(0), "b": [canary(0)]});
        let refused = host.request("no/such/method", params).await;
        canaries.check_text("an error", &format!("{refused:?}"));
        host.close_input();
        assert_eq!(server.exit_code().await, Some(0));
        canaries.check_text("standard error", &server.whole_log().await);
    }
}

/// The handshake cannot be repeated, so each of its places has a program of its own.
#[tokio::test]
async fn no_parameter_of_the_handshake_comes_back_in_an_error() {
    let handshakes = messages::of_client();
    let handshakes = handshakes.iter().filter(|it| it.method == "initialize");
    for (number, gapped) in handshakes.enumerate() {
        let mut server = Server::start();
        let mut host = Host::new(&mut server);
        let canaries = Canaries::default();
        let text = canary(10_000 + number);
        canaries.add(&text);
        for shape in shapes(&text) {
            if let Err(refused) = host.request("initialize", gapped.params(shape)).await {
                canaries.check_text("initialize", &format!("{refused:?}"));
            }
        }
        host.close_input();
        assert_eq!(server.exit_code().await, Some(0));
        canaries.check_text("standard error", &server.whole_log().await);
    }
}

/// Answers of a host to a refresh request.
#[tokio::test]
async fn no_answer_of_the_host_comes_back_in_an_error() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let mut number = 20_000;
    for member in [
        "accessToken",
        "chatgptAccountId",
        "chatgptPlanType",
        "idToken",
    ] {
        for shape in 0..3 {
            number += 1;
            let mut server = Setup::default().backend(&backend).start();
            let mut host = Host::initialized(&mut server).await;
            let token = MadeUp::jwt(&format!("answer-{number}"), 300).text;
            host.login(&token, "ws-1").await;
            backend.reject_bearer(&token);
            let id = host.start("account/usage/read", json!({})).await;
            let (question, _) = host.asked("account/chatgptAuthTokens/refresh").await;
            let text = canary(number);
            let mut answer = json!({"accessToken": "made-up", "chatgptAccountId": "ws-1"});
            answer[member] = shapes(&text)[shape].clone();
            // The host adds the canary, and the log is searched at the end.
            server.canaries.add(&text);
            host.respond(&question, answer).await;
            host.answer(id).await.unwrap_err();
        }
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
    for method in [
        "account/rateLimits/read",
        "account/rateLimits/read",
        "account/usage/read",
    ] {
        host.request(method, json!({})).await.unwrap_err();
    }
    // Invalid parts are left out.
    let usage = host.request("account/usage/read", json!({})).await;
    assert_eq!(usage.unwrap()["dailyUsageBuckets"], json!(null));
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
    let log = server.whole_log().await;
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

/// What a pending login needs, and what looks like a secret wherever it is.
#[tokio::test]
async fn a_trace_hides_pending_logins_and_what_looks_like_a_secret() {
    let _ports = LoginPorts::take().await;
    let issuer = Issuer::start().await;
    for _ in 0..20 {
        issuer.next(Ask::DevicePoll, 403, json!({}));
    }
    let setup = Setup::default().argument("--trace-protocol=-");
    let mut server = issuer.set_up(setup).start();
    let mut host = Host::initialized(&mut server).await;
    let start = "account/login/start";
    let device = json!({"type": "chatgptDeviceCode"});
    let device = host.request(start, device).await.unwrap();
    let user_code = device["userCode"].as_str().unwrap();
    let browser = json!({"type": "chatgpt"});
    let browser = host.request(start, browser).await.unwrap();
    let url = browser["authUrl"].as_str().unwrap();
    let parameter = |name: &str| {
        let (_, rest) = url.split_once(&format!("{name}=")).unwrap();
        rest.split('&').next().unwrap()
    };
    let shapes = [
        "rt_made-up-refresh-token",
        "session=made-up-cookie-value",
        "made-up-bearer-of-a-host",
        "eyJtYWRlLXVwIjoxfQ.eyJtYWRlLXVwIjoxfQ.made-up",
    ];
    let note = json!({
        "seen": shapes[0], "header": format!("Cookie: {}", shapes[1]),
        "log": format!("sent Authorization: Bearer {}", shapes[2]), "got": [[shapes[3]]],
    });
    host.request("account/read", json!({"note": note}))
        .await
        .unwrap();
    host.close_input();
    assert_eq!(server.exit_code().await, Some(0));
    let log = server.whole_log().await;
    assert!(log.contains("authUrl") && log.contains("account/read"));
    let hidden = [user_code, parameter("state"), parameter("code_challenge")];
    for secret in hidden.into_iter().chain(shapes) {
        assert!(!log.contains(secret), "{secret} is in: {log}");
    }
}

/// Ends a program. Its output was searched, and its log is searched on drop.
async fn finish(mut server: Server, mut host: Host) {
    host.close_input();
    assert_eq!(server.exit_code().await, Some(0));
    let log = server.whole_log().await;
    server.canaries.check_text("standard error", &log);
}
