//! Challenges of the network's edge on the way to the issuer, and refused countries: nothing is
//! spent, no login is dropped, and no request is repeated unless it is safe.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use byokey_dev_backend::{DevBackend, Options, Route, Script};
use byokey_tests::turns::turn;
use byokey_tests::{Host, Server, Setup};
use serde_json::{Value, json};

/// Starts a backend that is its own issuer with these scripted steps, and a host.
async fn scene(routes: Value) -> (DevBackend, Server, Host) {
    let script = Script::from_value(json!({"routes": routes})).unwrap();
    let backend = DevBackend::start(Options::new().script(script)).unwrap();
    let setup = Setup::default().backend(&backend);
    let setup = setup.environment("CODEX_APP_SERVER_LOGIN_ISSUER", &backend.base_url());
    let mut server = setup.start();
    let host = Host::initialized(&mut server).await;
    (backend, server, host)
}

fn challenge() -> Value {
    json!({"preset": "cloudflare-challenge"})
}

/// Runs a login on another device, and returns its end.
async fn device_login(host: &mut Host) -> Value {
    let params = json!({"type": "chatgptDeviceCode"});
    host.request("account/login/start", params).await.unwrap();
    host.notification("account/login/completed").await
}

#[tokio::test]
async fn a_device_login_goes_on_behind_a_challenge_and_says_so_once() {
    let steps = json!({"devicePoll": [challenge(), challenge()]});
    let (backend, _server, mut host) = scene(steps).await;
    let completed = device_login(&mut host).await;
    assert_eq!(completed["success"], true, "{completed}");
    assert!(backend.count(Route::DevicePoll) > 2);
    assert_eq!(backend.count(Route::Token), 1);
    let warning = host.notification("warning").await;
    let text = warning["message"].as_str().unwrap();
    assert!(
        text.contains("network") && text.contains("cf-ray"),
        "{text}"
    );
    let account = host.request("account/read", json!({})).await.unwrap();
    assert_eq!(account["account"]["type"], "chatgpt", "{account}");
}

#[tokio::test]
async fn a_challenged_exchange_is_not_repeated() {
    let (backend, _server, mut host) = scene(json!({"token": [challenge()]})).await;
    let completed = device_login(&mut host).await;
    assert_eq!(completed["success"], false, "{completed}");
    let text = completed["error"].as_str().unwrap();
    assert!(
        text.contains("network") && text.contains("cf-ray"),
        "{text}"
    );
    assert_eq!(backend.count(Route::Token), 1, "the code may be spent");
}

#[tokio::test]
async fn a_challenged_renewal_signs_nobody_out() {
    let steps = json!({"token": [{}, challenge()]});
    let (backend, _server, mut host) = scene(steps).await;
    device_login(&mut host).await;
    let ask = json!({"includeToken": true});
    let status = host.request("getAuthStatus", ask).await.unwrap();
    backend.reject_bearer(status["authToken"].as_str().unwrap());
    let usage = host.request("account/usage/read", json!({})).await;
    let refused = usage.unwrap_err();
    assert_eq!(refused.kind(), "challenged", "{refused:?}");
    assert!(refused.message.contains("network"), "{refused:?}");
    assert_eq!(backend.count(Route::Token), 2, "one question");
    let account = host.request("account/read", json!({})).await.unwrap();
    assert_ne!(account["account"], Value::Null);
    // The refresh token was not spent.
    host.request("account/usage/read", json!({})).await.unwrap();
    assert_eq!(backend.count(Route::Token), 3);
}

#[tokio::test]
async fn the_owner_of_a_token_is_not_asked_for_twice() {
    let (backend, _server, mut host) = scene(json!({"whoami": [challenge()]})).await;
    let login = json!({"type": "personalAccessToken", "accessToken": "at-made-up-token"});
    let refused = host.request("account/login/start", login).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind(), "challenged", "{refused:?}");
    assert_eq!(backend.count(Route::Whoami), 1);
    let sent = backend.requests_to(Route::Whoami).remove(0);
    assert_eq!(sent.header("user-agent"), None, "as codex");
}

fn country() -> Value {
    json!({"preset": "country"})
}

#[tokio::test]
async fn a_country_refused_at_a_renewal_is_named_and_signs_nobody_out() {
    let steps = json!({"token": [{}, country(), country()]});
    let (backend, _server, mut host) = scene(steps).await;
    device_login(&mut host).await;
    let ask = json!({"includeToken": true});
    let status = host.request("getAuthStatus", ask).await.unwrap();
    backend.reject_bearer(status["authToken"].as_str().unwrap());
    let usage = host.request("account/usage/read", json!({})).await;
    let refused = usage.unwrap_err();
    assert_eq!(refused.kind(), "regionRefused", "{refused:?}");
    assert!(refused.message.contains("country"), "{refused:?}");
    assert_eq!(backend.count(Route::Token), 2, "one renewal");
    // A turn, which is tried again after other failures, renews once as well.
    let ended = turn(&mut host).await;
    assert_eq!(ended["status"], "failed", "{ended}");
    let text = ended["error"]["message"].as_str().unwrap();
    assert!(text.contains("country"), "{text}");
    assert_eq!(backend.count(Route::Token), 3, "one renewal");
    let account = host.request("account/read", json!({})).await.unwrap();
    assert_ne!(account["account"], Value::Null);
    // The refresh token was not spent.
    host.request("account/usage/read", json!({})).await.unwrap();
    assert_eq!(backend.count(Route::Token), 4);
}

#[tokio::test]
async fn a_country_refused_at_the_exchange_is_named_and_the_exchange_not_repeated() {
    let (backend, _server, mut host) = scene(json!({"token": [country()]})).await;
    let completed = device_login(&mut host).await;
    assert_eq!(completed["success"], false, "{completed}");
    let text = completed["error"].as_str().unwrap();
    assert!(text.contains("country") && text.contains("VPN"), "{text}");
    assert_eq!(backend.count(Route::Token), 1, "the code may be spent");
}

#[tokio::test]
async fn a_device_login_goes_on_behind_a_refused_country_and_says_so_once() {
    let steps = json!({"devicePoll": [country(), country()]});
    let (backend, _server, mut host) = scene(steps).await;
    let completed = device_login(&mut host).await;
    assert_eq!(completed["success"], true, "{completed}");
    assert_eq!(backend.count(Route::Token), 1);
    let warning = host.notification("warning").await;
    let text = warning["message"].as_str().unwrap();
    assert!(text.contains("country"), "{text}");
}

#[tokio::test]
async fn a_login_that_begins_in_a_refused_country_is_refused_by_its_kind() {
    let steps = json!({"deviceCode": [country()], "whoami": [country()]});
    let (backend, _server, mut host) = scene(steps).await;
    for login in [
        json!({"type": "chatgptDeviceCode"}),
        json!({"type": "personalAccessToken", "accessToken": "at-made-up-token"}),
    ] {
        let refused = host.request("account/login/start", login).await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.kind(), "regionRefused", "{refused:?}");
        assert!(refused.message.contains("country"), "{refused:?}");
    }
    assert_eq!(backend.count(Route::DeviceCode), 1);
    assert_eq!(backend.count(Route::Whoami), 1);
}
