//! The network's edge: Cloudflare's challenges and cookies, and the region of a workspace.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use byokey_dev_backend::jwt::unsigned;
use byokey_dev_backend::{DevBackend, Route, Script, TestToken};
use byokey_tests::turns::{backend, rate_limits, script, signed_in, turn};
use byokey_tests::{Host, Setup};
use serde_json::{Value, json};

fn settings(settings: &Value) -> Script {
    Script::from_value(json!({"settings": settings})).unwrap()
}

/// Returns the cookies of each request to a route.
fn cookies(backend: &DevBackend, route: Route) -> Vec<Option<String>> {
    let requests = backend.requests_to(route);
    let cookie = |header: Option<&str>| header.map(str::to_owned);
    requests
        .iter()
        .map(|request| cookie(request.header("cookie")))
        .collect()
}

#[tokio::test]
async fn a_challenge_with_a_cookie_is_answered_once_with_it() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    backend.set_script(settings(&json!({"challengeUntilCookie": true})));
    let ended = turn(&mut host).await;
    assert_eq!(ended["status"], "completed", "{ended}");
    let sent = cookies(&backend, Route::Responses);
    assert_eq!(sent.len(), 2, "one more request, with the cookie: {sent:?}");
    assert_eq!(sent[0], None);
    let second = sent[1].as_deref().unwrap();
    assert!(second.contains("__cf_bm=made-up-bm"), "{second}");
    assert!(second.contains("__cflb=made-up-lb"), "{second}");
    // From now on every call carries it.
    rate_limits(&mut host).await.unwrap();
    let sent = cookies(&backend, Route::Usage);
    assert_eq!(sent.len(), 1);
    assert!(sent[0].as_deref().unwrap().contains("__cf_bm="));
}

#[tokio::test]
async fn a_challenge_that_stays_is_final_and_names_the_network_and_its_ray() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    let steps = json!([{"preset": "cloudflare-challenge", "repeat": 0}]);
    backend.set_script(script("responses", &steps));
    let ended = turn(&mut host).await;
    assert_eq!(ended["error"]["kind"], "challenged", "{ended}");
    let text = ended["error"]["message"].as_str().unwrap();
    assert!(text.contains("network"), "{text}");
    assert!(text.contains("cf-ray: 9a00000000made-up"), "{text}");
    let count = backend.count(Route::Responses);
    assert_eq!(count, 2, "once with the cookie that came");
    // The same cookie again is not a reason for another attempt.
    turn(&mut host).await;
    assert_eq!(backend.count(Route::Responses), count + 1);
    let account = host.request("account/read", json!({})).await.unwrap();
    assert_ne!(account["account"], Value::Null, "nobody was signed out");
    let bearers = backend.requests_to(Route::Responses);
    assert!(bearers.iter().all(|it| it.bearer() == bearers[0].bearer()));
}

#[tokio::test]
async fn only_the_cookies_of_the_edge_are_sent_back_and_to_their_account_alone() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    let headers = json!({"set-cookie": "session=made-up; path=/; Secure"});
    let steps = json!([{"headers": headers}]);
    backend.set_script(script("usage", &steps));
    rate_limits(&mut host).await.unwrap();
    rate_limits(&mut host).await.unwrap();
    let sent = cookies(&backend, Route::Usage);
    assert_eq!(
        sent,
        [None, None],
        "the script's cookie took the edge's place"
    );
    rate_limits(&mut host).await.unwrap();
    assert!(cookies(&backend, Route::Usage)[2].is_some());
    host.login(&TestToken::new("bob").encode(), "ws-2").await;
    rate_limits(&mut host).await.unwrap();
    assert_eq!(cookies(&backend, Route::Usage)[3], None, "another account");
}

#[tokio::test]
async fn cookies_end_with_the_account() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    rate_limits(&mut host).await.unwrap();
    rate_limits(&mut host).await.unwrap();
    host.request("account/logout", json!({})).await.unwrap();
    host.notification("account/updated").await;
    host.login(&TestToken::new("ada").encode(), "ws-1").await;
    rate_limits(&mut host).await.unwrap();
    let sent = cookies(&backend, Route::Usage);
    let sent: Vec<_> = sent.iter().map(Option::is_some).collect();
    assert_eq!(sent, [false, true, false]);
}

#[tokio::test]
async fn a_workspace_bound_to_a_region_works_because_its_region_is_named() {
    for (claims, region) in [
        (json!({"chatgpt_compute_residency": "us"}), Some("us")),
        (
            json!({"chatgpt_compute_residency": "us", "chatgpt_data_residency": "eu"}),
            Some("us"),
        ),
        (json!({"chatgpt_data_residency": "eu"}), Some("eu")),
        (json!({"chatgpt_data_residency": "no_constraint"}), None),
        (json!({}), None),
    ] {
        let backend = backend();
        // The paths of the ChatGPT backend, which checks residency.
        let url = format!("chatgpt_base_url = \"{}/backend-api\"", backend.base_url());
        let mut server = Setup::default().config(&url).start();
        let mut host = Host::initialized(&mut server).await;
        let token = unsigned(&json!({"https://api.openai.com/auth": claims}), "made-up");
        host.login(&token, "ws-1").await;
        let ended = turn(&mut host).await;
        assert_eq!(ended["status"], "completed", "{claims}: {ended}");
        rate_limits(&mut host).await.unwrap();
        for request in backend.requests() {
            let named = request.header("x-openai-internal-codex-residency");
            assert_eq!(named, region, "{claims}: {}", request.path);
        }
    }
}

#[tokio::test]
async fn one_setting_says_which_codex_this_is() {
    let backend = backend();
    let url = format!("chatgpt_base_url = \"{}/backend-api\"", backend.base_url());
    let setup = Setup::default()
        .config(&url)
        .config("[byokey]\ncodex_version = \"0.150.0\"");
    let mut server = setup.start();
    let mut host = Host::initialized(&mut server).await;
    host.login(&TestToken::new("ada").encode(), "ws-1").await;
    let list = host.request("model/list", json!({})).await.unwrap();
    let listed = list["data"].as_array().unwrap();
    assert_eq!(listed[listed.len() - 1]["id"], "gpt-5.6-luna", "{list}");
    assert_eq!(turn(&mut host).await["status"], "completed");
    let requests = backend.requests();
    let list = requests.iter().find(|it| it.route == Some(Route::Models));
    assert!(list.unwrap().path.contains("client_version=0.150.0"));
    let sent = backend.requests_to(Route::Responses).remove(0);
    assert_eq!(sent.header("version"), Some("0.150.0"));
    assert!(sent.header("user-agent").unwrap().contains("/0.150.0 ("));
    // The need for a newer codex is reported once.
    let thread = json!({"model": "gpt-6.2-sol"});
    let thread = host.request("thread/start", thread).await.unwrap();
    let input = json!([{"type": "text", "text": "Hello"}]);
    let params = json!({"threadId": thread["thread"]["id"], "input": input});
    host.request("turn/start", params).await.unwrap();
    let ended = host.notification("turn/completed").await["turn"].take();
    let text = ended["error"]["message"].as_str().unwrap();
    assert!(
        text.contains("newer version") && text.contains("codex_version"),
        "{text}"
    );
    assert_eq!(ended["error"]["kind"], "modelUnavailable");
    assert_eq!(backend.count(Route::Responses), 2);
}
