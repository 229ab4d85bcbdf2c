//! Answers without an end, of an issuer and with the status of an error: they cost a bounded amount
//! of memory, and the call fails. Each test prints the growth of the memory.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(
    clippy::print_stdout,
    reason = "figures are part of what a test reports"
)]

use byokey_dev_backend::issuer::answers;
use byokey_dev_backend::{DevBackend, Route, Script};
use byokey_tests::issuer::{access_token, person, refresh_token};
use byokey_tests::turns::{backend, begin_turn, script, signed_in_with};
use byokey_tests::{Host, ProcessStatus, Server, Setup, byokey_measured};
use serde_json::{Value, json};

/// The allowed growth of the memory, in KiB.
const MOST: u64 = 16 * 1024;

/// Checks that the route was asked, and how much the memory has grown at most.
fn check(backend: &DevBackend, route: Route, server: &Server, before: &ProcessStatus, what: &str) {
    assert_ne!(backend.count(route), 0, "{what}");
    let after = ProcessStatus::of(server.pid());
    let grown = after.resident_peak.saturating_sub(before.resident);
    println!("figure: {what}: peak memory +{grown} KiB");
    assert!(grown <= MOST, "{what}: {grown} KiB");
}

/// Returns a step without an end.
fn endless(status: u16) -> Value {
    json!({"endless": "body", "status": status, "repeat": 0})
}

/// Returns a script in which logins on another device succeed at once, but for this route.
fn logins(route: Route, step: &Value) -> Script {
    let grant = answers::device_grant("code-made-up", "challenge-made-up", "verifier-made-up");
    let tokens = answers::tokens(&person(), &access_token(1), &refresh_token(1));
    let mut routes = json!({
        "devicePoll": [{"body": grant, "repeat": 0}],
        "token": [{"body": tokens, "repeat": 0}],
    });
    routes[route.name()] = json!([step]);
    Script::from_value(json!({"routes": routes})).unwrap()
}

/// Begins a login on another device, and returns why it failed.
async fn failed_device_login(host: &mut Host) -> String {
    let device = json!({"type": "chatgptDeviceCode"});
    match host.request("account/login/start", device).await {
        Err(refused) => refused.message,
        Ok(_) => {
            let completed = host.notification("account/login/completed").await;
            assert_eq!(completed["success"], false);
            completed["error"].as_str().unwrap().to_owned()
        }
    }
}

async fn failed_token_login(host: &mut Host) -> String {
    let login = json!({"type": "personalAccessToken", "accessToken": "at-made-up"});
    let failed = host.request("account/login/start", login).await;
    failed.unwrap_err().message
}

#[tokio::test]
async fn endless_answers_of_an_issuer_fail_the_login_and_keep_the_one_in_force() {
    for status in [200, 400, 500] {
        let issuer = backend();
        issuer.set_script(logins(Route::Whoami, &json!({})));
        let setup = Setup::default().program(byokey_measured());
        let setup = setup.environment("CODEX_APP_SERVER_LOGIN_ISSUER", &issuer.base_url());
        let mut server = setup.start();
        server.canaries.add_for_test("at-made-up");
        let mut host = Host::initialized(&mut server).await;
        let device = json!({"type": "chatgptDeviceCode"});
        host.request("account/login/start", device).await.unwrap();
        host.notification("account/login/completed").await;
        host.notification("account/updated").await;
        let before = ProcessStatus::of(server.pid());
        for route in [
            Route::DeviceCode,
            Route::DevicePoll,
            Route::Token,
            Route::Whoami,
        ] {
            issuer.clear_requests();
            issuer.set_script(logins(route, &endless(status)));
            let failed = if route == Route::Whoami {
                failed_token_login(&mut host).await
            } else {
                failed_device_login(&mut host).await
            };
            assert!(failed.len() < 300, "{route}: {} bytes", failed.len());
            assert!(!failed.is_empty() && !failed.contains("xxx"), "{failed}");
            let what = format!("{route}, endless {status}");
            check(&issuer, route, &server, &before, &what);
        }
        // A renewal that fails this way leaves the login as it was.
        issuer.clear_requests();
        issuer.set_script(logins(Route::Token, &endless(status)));
        let ask = json!({"includeToken": true, "refreshToken": true});
        let read = host.request("getAuthStatus", ask).await.unwrap();
        assert_eq!(read["authToken"], access_token(1));
        let what = format!("a renewal, endless {status}");
        check(&issuer, Route::Token, &server, &before, &what);
    }
}

/// Makes a call, and returns the error if it fails.
async fn call(host: &mut Host, method: &str) -> Option<Value> {
    if method != "turn/start" {
        let failed = host.request(method, json!({})).await.err()?;
        return Some(json!({"message": failed.message}));
    }
    begin_turn(host).await;
    let mut ended = host.notification("turn/completed").await;
    (ended["turn"]["status"] == "failed").then(|| ended["turn"]["error"].take())
}

#[tokio::test]
async fn endless_bodies_of_errors_fail_the_call() {
    for (method, route) in [
        ("account/rateLimits/read", Route::Usage),
        ("model/list", Route::Models),
        ("turn/start", Route::Responses),
    ] {
        let measured = || Setup::default().program(byokey_measured());
        let usual = backend();
        let (_server, mut host) = signed_in_with(measured(), &usual, &[]).await;
        let failed = call(&mut host, method).await;
        assert_eq!(failed, None, "{method} fails for another reason");
        for status in [400, 404, 500] {
            let backend = backend();
            let (server, mut host) = signed_in_with(measured(), &backend, &[]).await;
            host.request("account/read", json!({})).await.unwrap();
            let before = ProcessStatus::of(server.pid());
            backend.set_script(script(route.name(), &json!([endless(status)])));
            let failed = call(&mut host, method).await.unwrap();
            let message = failed["message"].as_str().unwrap();
            assert!(!message.is_empty() && message.len() < 2_000, "{message}");
            assert!(!message.contains("xxx"), "{message}");
            let what = format!("{method}, endless {status}");
            check(&backend, route, &server, &before, &what);
        }
    }
}
