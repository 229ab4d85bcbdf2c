//! Calls to the backend: their destination, their headers, their retries, and that the bearer goes
//! nowhere else.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::{Duration, Instant};

use byokey_dev_backend::jwt::unsigned;
use byokey_dev_backend::{DevBackend, Options, RecordedRequest, Route, Script, TestToken};
use byokey_tests::{Host, Server, Setup};
use serde_json::{Value, json};

fn backend() -> DevBackend {
    DevBackend::start(Options::new()).unwrap()
}

fn script(route: &str, steps: Value) -> Script {
    Script::from_value(json!({"routes": {route: steps}})).unwrap()
}

/// Starts a server that calls this backend, with these settings on top of the mock's, and a
/// logged-in host.
async fn signed_in(backend: &DevBackend, settings: &[&str]) -> (Server, Host, String) {
    let mut setup = Setup::default().backend(backend);
    for setting in settings {
        setup = setup.argument("-c").argument(setting);
    }
    let mut server = setup.start();
    let mut host = Host::initialized(&mut server).await;
    let token = TestToken::new("ada").encode();
    host.login(&token, "ws-1").await;
    (server, host, token)
}

/// Runs a turn and returns its end.
async fn turn(host: &mut Host) -> Value {
    let thread = host.request("thread/start", json!({})).await.unwrap();
    let input = json!([{"type": "text", "text": "Hello"}]);
    let params = json!({"threadId": thread["thread"]["id"], "input": input});
    host.request("turn/start", params).await.unwrap();
    host.notification("turn/completed").await["turn"].take()
}

async fn limits(host: &mut Host) -> Result<Value, byokey_tests::Refused> {
    host.request("account/rateLimits/read", json!({})).await
}

fn header<'a>(request: &'a RecordedRequest, name: &str) -> Option<&'a str> {
    request.header(name)
}

#[tokio::test]
async fn every_call_names_the_originator_and_the_account() {
    let backend = backend();
    let mut server = Setup::default().backend(&backend).start();
    let mut host = Host::new(&mut server);
    let client = json!({"clientInfo": {"name": "codex_vscode", "version": "1.2.3"}});
    let introduced = host.request("initialize", client).await.unwrap();
    let claims = json!({"https://api.openai.com/auth": {"chatgpt_account_is_fedramp": true}});
    let government = unsigned(&claims, "made-up");
    for (token, fedramp) in [
        (TestToken::new("ada").encode(), None),
        (government, Some("true")),
    ] {
        backend.clear_requests();
        host.login(&token, "ws-1").await;
        limits(&mut host).await.unwrap();
        host.request("account/usage/read", json!({})).await.unwrap();
        host.request("model/list", json!({})).await.unwrap();
        assert_eq!(turn(&mut host).await["status"], "completed");
        let requests = backend.requests();
        let routes = [
            Route::Usage,
            Route::Profile,
            Route::Models,
            Route::Responses,
        ];
        assert_eq!(
            requests
                .iter()
                .filter_map(|it| it.route)
                .collect::<Vec<_>>(),
            routes
        );
        for request in &requests {
            assert_eq!(request.bearer(), Some(token.as_str()), "{}", request.path);
            assert_eq!(
                header(request, "chatgpt-account-id"),
                Some("ws-1"),
                "{}",
                request.path
            );
            assert_eq!(
                header(request, "x-openai-fedramp"),
                fedramp,
                "{}",
                request.path
            );
            assert_eq!(
                header(request, "originator"),
                Some("codex_vscode"),
                "{}",
                request.path
            );
            let agent = header(request, "user-agent").unwrap();
            assert_eq!(introduced["userAgent"], agent, "{}", request.path);
        }
        let thread = header(&requests[3], "thread-id").unwrap();
        assert_eq!(header(&requests[3], "session-id"), Some(thread));
    }
}

// Codex: initialize_respects_originator_override_env_var
#[tokio::test]
async fn the_originator_can_be_fixed_from_outside() {
    let backend = backend();
    let fixed = Setup::default().environment("CODEX_INTERNAL_ORIGINATOR_OVERRIDE", "fixed_name");
    let mut server = fixed.backend(&backend).start();
    let mut host = Host::initialized(&mut server).await;
    host.login(&TestToken::new("ada").encode(), "ws-1").await;
    limits(&mut host).await.unwrap();
    let request = backend.requests().remove(0);
    assert_eq!(header(&request, "originator"), Some("fixed_name"));
    assert!(
        header(&request, "user-agent")
            .unwrap()
            .starts_with("fixed_name/")
    );
}

#[tokio::test]
async fn the_credential_decides_where_a_call_goes() {
    let (chatgpt, api) = (backend(), backend());
    let mut server = Setup::default()
        .config(&format!(
            "chatgpt_base_url = \"{}/backend-api/\"",
            chatgpt.base_url()
        ))
        .config(&format!("openai_base_url = \"{}/v1/\"", api.base_url()))
        .start();
    let mut host = Host::initialized(&mut server).await;

    let key = json!({"type": "apiKey", "apiKey": "sk-made-up"});
    host.request("account/login/start", key).await.unwrap();
    assert_eq!(turn(&mut host).await["status"], "completed");
    assert!(
        chatgpt.requests().is_empty(),
        "a key went to the ChatGPT backend"
    );
    let requests = api.requests();
    let paths: Vec<_> = requests
        .iter()
        .map(|request| request.path.as_str())
        .collect();
    assert_eq!(
        paths,
        ["/v1/models?client_version=0.171.0", "/v1/responses"]
    );
    for request in &requests {
        assert_eq!(request.bearer(), Some("sk-made-up"));
        assert_eq!(header(request, "chatgpt-account-id"), None);
        assert_eq!(
            header(request, "version"),
            Some("0.171.0"),
            "the built-in provider says so"
        );
    }

    host.login(&TestToken::new("ada").encode(), "ws-1").await;
    limits(&mut host).await.unwrap();
    assert_eq!(turn(&mut host).await["status"], "completed");
    assert_eq!(api.requests().len(), 2, "a token went to the API");
    let requests = chatgpt.requests();
    let paths: Vec<_> = requests
        .iter()
        .map(|request| request.path.as_str())
        .collect();
    let codex = [
        "/backend-api/codex/models?client_version=0.171.0",
        "/backend-api/codex/responses",
    ];
    // The lookup of the routing is made in the background.
    let mut paths = paths;
    paths.retain(|path| *path != "/backend-api/wham/accounts/check");
    assert_eq!(paths, ["/backend-api/wham/usage", codex[0], codex[1]]);
}

#[tokio::test]
async fn a_provider_may_have_its_own_bearer_headers_and_query() {
    let backend = backend();
    let settings = [
        "model_providers.mock.env_key=GATEWAY_KEY",
        "model_providers.mock.http_headers={\"x-team\"=\"core\"}",
        "model_providers.mock.env_http_headers={\"x-region\"=\"REGION\",\"x-unset\"=\"UNSET\"}",
        "model_providers.mock.query_params={\"api-version\"=\"2026\"}",
    ];
    let mut setup = Setup::default().backend(&backend);
    for setting in settings {
        setup = setup.argument("-c").argument(setting);
    }
    let setup = setup
        .environment("GATEWAY_KEY", "gateway-made-up")
        .environment("REGION", "eu");
    let mut server = setup.start();
    let mut host = Host::initialized(&mut server).await;
    host.login(&TestToken::new("ada").encode(), "ws-1").await;
    assert_eq!(turn(&mut host).await["status"], "completed");
    let request = backend.requests_to(Route::Responses).remove(0);
    assert_eq!(
        request.bearer(),
        Some("gateway-made-up"),
        "the token went to a gateway"
    );
    assert_eq!(header(&request, "chatgpt-account-id"), None);
    assert_eq!(header(&request, "x-team"), Some("core"));
    assert_eq!(header(&request, "x-region"), Some("eu"));
    assert_eq!(header(&request, "x-unset"), None);
    assert_eq!(request.path, "/v1/responses?api-version=2026");
    limits(&mut host).await.unwrap();
    let request = backend.requests_to(Route::Usage).remove(0);
    assert_eq!(
        header(&request, "x-team"),
        None,
        "the account is not the provider's business"
    );
}

#[tokio::test]
async fn a_provider_without_login_gets_no_bearer() {
    let backend = backend();
    let settings = ["model_providers.mock.requires_openai_auth=false"];
    let (_server, mut host, _) = signed_in(&backend, &settings).await;
    // The loopback backend refuses a request without a bearer, which proves it.
    let ended = turn(&mut host).await;
    assert_eq!(ended["status"], "failed");
    assert_eq!(backend.requests_to(Route::Responses)[0].bearer(), None);
    assert_eq!(
        backend.count(Route::Responses),
        1,
        "the provider's 401 is not recovered from"
    );
    let rest = host.quiet_for(Duration::from_millis(200)).await;
    let is_request = |message: &Value| !message["id"].is_null();
    assert!(!rest.iter().any(is_request), "the host was asked: {rest:?}");
}

#[tokio::test]
async fn server_errors_and_broken_connections_are_tried_again() {
    let backend = backend();
    let (_server, mut host, _) = signed_in(&backend, &[]).await;
    for steps in [json!([{"status": 503}]), json!([{"drop": true}])] {
        backend.clear_requests();
        backend.set_script(script("usage", steps));
        let begun = Instant::now();
        limits(&mut host).await.unwrap();
        assert_eq!(backend.count(Route::Usage), 2);
        assert!(
            begun.elapsed() >= Duration::from_millis(200),
            "tried again without a pause"
        );
    }
    backend.clear_requests();
    backend.set_script(script("usage", json!([{"status": 500, "repeat": 0}])));
    let failed = limits(&mut host).await.unwrap_err();
    assert_eq!(
        (failed.kind(), &failed.data["status"]),
        ("retryable", &json!(500))
    );
    let tries = backend.count(Route::Usage);
    assert!((2..10).contains(&tries), "{tries} tries");
}

#[tokio::test]
async fn a_turn_is_sent_again_as_often_as_configured() {
    let backend = backend();
    let settings = ["model_providers.mock.request_max_retries=2"];
    let (_server, mut host, _) = signed_in(&backend, &settings).await;
    backend.set_script(script(
        "responses",
        json!([{"status": 502}, {"drop": true}]),
    ));
    assert_eq!(turn(&mut host).await["status"], "completed");
    assert_eq!(backend.count(Route::Responses), 3);
    backend.clear_requests();
    backend.set_script(script("responses", json!([{"status": 502, "repeat": 3}])));
    assert_eq!(turn(&mut host).await["status"], "failed");
    assert_eq!(backend.count(Route::Responses), 3);
}

#[tokio::test]
async fn the_backend_may_ask_for_a_pause() {
    let backend = backend();
    let (_server, mut host, _) = signed_in(&backend, &[]).await;
    let busy = json!([{"status": 503, "headers": {"retry-after": "2"}}]);
    backend.set_script(script("usage", busy));
    let begun = Instant::now();
    limits(&mut host).await.unwrap();
    assert!(
        begun.elapsed() >= Duration::from_secs(2),
        "came back after {:?}",
        begun.elapsed()
    );
    // A long requested wait is left to the client.
    let away = json!([{"status": 503, "headers": {"retry-after": "3600"}}]);
    backend.set_script(script("usage", away));
    let failed = limits(&mut host).await.unwrap_err();
    assert_eq!(failed.kind(), "retryable");
}

#[tokio::test]
async fn client_errors_are_not_tried_again() {
    let backend = backend();
    let settings = ["model_providers.mock.request_max_retries=3"];
    let (_server, mut host, _) = signed_in(&backend, &settings).await;
    for status in [400, 403, 404, 413, 422] {
        backend.clear_requests();
        backend.set_script(script("usage", json!([{"status": status}])));
        limits(&mut host).await.unwrap_err();
        assert_eq!(backend.count(Route::Usage), 1, "{status}");
        backend.set_script(script("responses", json!([{"status": status}])));
        assert_eq!(turn(&mut host).await["status"], "failed");
        assert_eq!(backend.count(Route::Responses), 1, "{status}");
    }
}

#[tokio::test]
async fn no_backend_is_an_error_of_its_own() {
    let backend = backend();
    let (_server, mut host, _) = signed_in(&backend, &[]).await;
    backend.shutdown();
    let failed = limits(&mut host).await.unwrap_err();
    assert_eq!(failed.kind(), "unreachable");
    assert!(
        failed.message.contains("cannot connect to the backend"),
        "{failed:?}"
    );
    let ended = turn(&mut host).await;
    let info = json!({"httpConnectionFailed": {"httpStatusCode": null}});
    assert_eq!(ended["error"]["codexErrorInfo"], info);
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    let (backend, elsewhere) = (backend(), backend());
    let (_server, mut host, _) = signed_in(&backend, &[]).await;
    for status in [301, 302, 303, 307, 308] {
        for origin in [elsewhere.base_url(), backend.base_url()] {
            backend.clear_requests();
            let to = |path: &str| json!([{"status": status, "headers": {"location": format!("{origin}{path}")}}]);
            backend.set_script(script("usage", to("/backend-api/wham/usage")));
            let failed = limits(&mut host).await.unwrap_err();
            assert_eq!(failed.kind(), "backendRefused", "{status}");
            backend.set_script(script("responses", to("/v1/responses")));
            assert_eq!(turn(&mut host).await["status"], "failed");
            assert_eq!(
                backend.requests().len(),
                2,
                "{status}: it went on to {origin}"
            );
        }
    }
    assert!(
        elsewhere.requests().is_empty(),
        "the bearer went to another origin"
    );
}

#[tokio::test]
async fn a_bearer_that_the_backend_repeats_goes_nowhere() {
    let backend = backend();
    let (mut server, mut host, token) = signed_in(&backend, &[]).await;
    let headers = json!({"x-request-id": token, "location": token, "www-authenticate": token});
    let echo = |status: u16| {
        json!({"status": status, "headers": headers,
        "body": {"error": {"message": token, "code": token, "type": token, "resets_at": 1}}})
    };
    let told = json!({"type": "response.failed", "response": {"error": {"code": token, "message": token}}});
    let mut said = Vec::new();
    for status in [302, 400, 401, 403, 404, 429, 500, 503] {
        let steps = json!([
            echo(status),
            echo(status),
            echo(status),
            echo(status),
            echo(status)
        ]);
        backend.set_script(script("usage", steps.clone()));
        let call = host.start("account/rateLimits/read", json!({})).await;
        if status == 401 {
            let (id, _) = host.asked("account/chatgptAuthTokens/refresh").await;
            host.respond_error(&id, 1, "made up").await;
        }
        said.push(format!("{:?}", host.answer(call).await.unwrap_err()));
        if status != 401 {
            backend.set_script(script("responses", steps));
            said.push(turn(&mut host).await.to_string());
        }
    }
    for events in [
        json!([told]),
        json!([{"type": token}, token]),
        json!([format!("{{\"type\":\"{token}\"")]),
    ] {
        backend.set_script(script("responses", json!([{"events": events}])));
        said.push(turn(&mut host).await.to_string());
    }
    backend.set_script(script("usage", json!([{"body": token}, {"body": [token]}])));
    for _ in 0..2 {
        said.push(format!("{:?}", limits(&mut host).await.unwrap_err()));
    }
    host.close_input();
    said.extend(host.rest().await.iter().map(Value::to_string));
    assert_eq!(server.exit_code().await, Some(0));
    said.push(server.whole_log().await);
    for text in said {
        assert!(!text.contains(&token), "the bearer is in {text}");
    }
}

#[tokio::test]
async fn a_silent_backend_delays_no_other_request() {
    let backend = backend();
    let (_server, mut host, _) = signed_in(&backend, &[]).await;
    backend.set_script(script("usage", json!([{"hang": true, "repeat": 0}])));
    let begun = Instant::now();
    let mut calls = Vec::new();
    // More than are sent at once.
    for _ in 0..100 {
        calls.push(host.start("account/rateLimits/read", json!({})).await);
    }
    backend.wait_for(Route::Usage, 64).await;
    for _ in 0..100 {
        host.request("account/read", json!({})).await.unwrap();
    }
    assert_eq!(turn(&mut host).await["status"], "completed");
    let failed = host.answer(calls[0]).await.unwrap_err();
    let waited = begun.elapsed();
    assert_eq!(failed.kind(), "retryable");
    assert!(
        waited >= Duration::from_millis(9_900),
        "gave up after {waited:?}"
    );
    // A logout cancels all calls in progress.
    host.request("account/logout", json!({})).await.unwrap();
    for call in calls.drain(1..) {
        let kind = host.answer(call).await.unwrap_err().kind().to_owned();
        assert!(
            ["authRequired", "retryable"].contains(&kind.as_str()),
            "{kind}"
        );
    }
}
