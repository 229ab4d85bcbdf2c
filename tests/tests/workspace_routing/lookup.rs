//! When the routing is looked up, and when not.

use byokey_tests::Home;
use byokey_tests::command::run;
use byokey_tests::issuer::{Ask, Issuer, access_token};
use byokey_tests::server::mock_provider;
use byokey_tests::shared_store::SharedStore;

use super::*;

#[tokio::test]
async fn model_calls_go_to_the_origin_of_the_workspace_with_its_policy() {
    for http in [Http::One, Http::Two] {
        let places = Places::over(http);
        let origin = places.workspace.base_url();
        places.route(&origin, "us");
        let (_server, mut host) = places.signed_in().await;
        complete(&mut host).await;
        assert_eq!(places.model_calls(), (0, 1));
        let sent = places.workspace.requests().remove(0);
        assert_eq!(sent.path, "/backend-api/codex/responses");
        assert_eq!(sent.header(OVERRIDE), Some("us"));
        assert_eq!(sent.header("chatgpt-account-id"), Some("ws-1"));
        assert_eq!(sent.bearer(), Some(ada().as_str()));
        let expected = json!({
            "chatgptAccountId": "ws-1",
            "backendOrigin": origin,
            "accountRoutingOverride": "us",
        });
        assert_eq!(shown(&mut host).await, expected);
        // All else stays where it is configured, without the policy.
        host.request("model/list", json!({})).await.unwrap();
        let limits = host.request("account/rateLimits/read", json!({})).await;
        limits.unwrap();
        assert_eq!(places.workspace.requests().len(), 1);
        for request in places.configured.requests() {
            assert_eq!(request.header(OVERRIDE), None, "{}", request.path);
        }
        let asked = places.configured.requests_to(Route::AccountsCheck);
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].path, "/backend-api/wham/accounts/check");
        assert_eq!(asked[0].header("chatgpt-account-id"), Some("ws-1"));
    }
}

#[tokio::test]
async fn a_policy_without_another_origin_is_named_to_the_configured_backend() {
    let places = Places::new();
    let base = places.configured.base_url();
    for (origin, policy, sent) in [
        ("NO_CONSTRAINT", "us_cr", Some("us_cr")),
        ("https://chatgpt.com", "us", Some("us")),
        (&base, "eu", Some("eu")),
        ("https://chatgpt.com", "NO_CONSTRAINT", None),
    ] {
        places.route(origin, policy);
        let (_server, mut host) = places.signed_in().await;
        complete(&mut host).await;
        let last = places.configured.requests_to(Route::Responses).pop();
        assert_eq!(last.unwrap().header(OVERRIDE), sent, "{origin} {policy}");
        let shown = shown(&mut host).await;
        assert_eq!(shown["backendOrigin"], base, "{shown}");
        assert_eq!(shown["accountRoutingOverride"], policy, "{shown}");
        assert_eq!(unasked(&mut host).await, Vec::<String>::new());
    }
    assert_eq!(places.model_calls().1, 0);
}

#[tokio::test]
async fn an_account_is_looked_up_once_and_another_one_anew() {
    let places = Places::routed();
    let (_server, mut host) = places.signed_in().await;
    complete(&mut host).await;
    complete(&mut host).await;
    // The same account again, with another token; and a renewal.
    let newer = TestToken::new("ada").expiring_in(Duration::from_secs(7_200));
    host.login(&newer.encode(), "ws-1").await;
    places.workspace.reject_bearer(newer.encode());
    let thread = thread(&mut host).await;
    begin(&mut host, &thread).await;
    let (id, _) = host.asked(REFRESH).await;
    let renewed = TestToken::new("ada").expiring_in(Duration::from_secs(9_000));
    let answer = json!({"accessToken": renewed.encode(), "chatgptAccountId": "ws-1"});
    host.respond(&id, answer).await;
    assert_eq!(end(&mut host).await["status"], "completed");
    assert_eq!(places.lookups(), 1);
    assert_eq!(places.model_calls(), (0, 4));
    // Another workspace of the same user.
    host.login(&ada(), "ws-2").await;
    complete(&mut host).await;
    let asked = places.configured.requests_to(Route::AccountsCheck);
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[1].header("chatgpt-account-id"), Some("ws-2"));
    assert_eq!(shown(&mut host).await["chatgptAccountId"], "ws-2");
    // After a logout it is forgotten.
    host.request("account/logout", json!({})).await.unwrap();
    assert_eq!(shown(&mut host).await, Value::Null);
    host.login(&ada(), "ws-2").await;
    places.configured.wait_for(Route::AccountsCheck, 3).await;
}

#[tokio::test]
async fn nothing_is_looked_up_without_a_need() {
    let places = Places::routed();
    let quiet = async |setup: Setup, login: Option<Value>| {
        let mut server = setup.start();
        let mut host = Host::initialized(&mut server).await;
        if let Some(login) = login {
            host.request("account/login/start", login).await.unwrap();
        }
        tokio::time::sleep(QUIET).await;
        assert_eq!(shown(&mut host).await, Value::Null);
        assert_eq!(places.lookups(), 0);
    };
    let tokens = || {
        let token = ada();
        Some(json!({"type": "chatgptAuthTokens", "accessToken": token, "chatgptAccountId": "ws-1"}))
    };
    // Signed out.
    quiet(places.setup(), None).await;
    // An API key has no workspace.
    let key = json!({"type": "apiKey", "apiKey": "sk-made-up-key"});
    quiet(places.setup(), Some(key)).await;
    // Another provider than the built-in one.
    let mock = mock_provider(&places.configured.base_url());
    quiet(Setup::default().config(&mock), tokens()).await;
    // Switched off.
    let off = places.setup().argument("-c");
    let off = off.argument("byokey.workspace_routing=false");
    quiet(off, tokens()).await;
}

#[tokio::test]
async fn a_personal_token_has_its_workspace_looked_up() {
    let (places, issuer) = (Places::routed(), Issuer::start().await);
    let mut server = issuer.set_up(places.setup()).start();
    let mut host = Host::initialized(&mut server).await;
    let token = "at-made-up-personal-access-token";
    let login = json!({"type": "personalAccessToken", "accessToken": token});
    host.request("account/login/start", login).await.unwrap();
    complete(&mut host).await;
    let asked = places.configured.requests_to(Route::AccountsCheck);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].header("chatgpt-account-id"), Some("account-ada"));
    assert_eq!(asked[0].bearer(), Some(token));
    assert_eq!(places.model_calls(), (0, 1));
}

#[tokio::test]
async fn a_managed_login_has_its_workspace_looked_up() {
    let (places, issuer) = (Places::routed(), Issuer::start().await);
    issuer.next(Ask::DevicePoll, 403, json!({}));
    let mut server = issuer.set_up(places.setup()).start();
    let mut host = Host::initialized(&mut server).await;
    let device = json!({"type": "chatgptDeviceCode"});
    host.request("account/login/start", device).await.unwrap();
    assert_eq!(places.lookups(), 0);
    let completed = host.notification("account/login/completed").await;
    assert_eq!(completed["success"], true, "{completed}");
    complete(&mut host).await;
    assert_eq!((places.lookups(), places.model_calls()), (1, (0, 1)));
}

#[tokio::test]
async fn a_stored_login_is_looked_up_by_a_server_and_by_no_command() {
    let (places, shared) = (Places::routed(), SharedStore::new().await);
    let folder = shared.folder.path().to_str().unwrap();
    shared.keep(&access_token(90), "rt-made-up");
    let setup = shared.issuer.set_up(places.setup());
    let setup = setup
        .argument("--store")
        .argument("file")
        .environment("BYOKEY_HOME", folder);
    let (mut server, issuer) = (setup.start(), shared.issuer.url());
    places.configured.wait_for(Route::AccountsCheck, 1).await;
    let mut host = Host::initialized(&mut server).await;
    complete(&mut host).await;
    assert_eq!((places.lookups(), places.model_calls()), (1, (0, 1)));
    drop((host, server));

    let url = places.configured.base_url();
    let home = Home::new(&format!("chatgpt_base_url = \"{url}/backend-api\""));
    let environment = [
        ("BYOKEY_HOME", folder),
        ("BYOKEY_STORE", "file"),
        ("CODEX_APP_SERVER_LOGIN_ISSUER", &*issuer),
    ];
    let token = "at-made-up-personal-access-token";
    for (command, input) in [
        (&["status"][..], ""),
        (&["doctor"], ""),
        (&["logout"], ""),
        (&["login", "--with-access-token"], token),
        (&["status"], ""),
    ] {
        let ended = run(&home, command, &environment, input).await;
        assert_ne!(ended.code, None, "{command:?}");
        if command[0] != "doctor" {
            assert_eq!(ended.code, Some(0), "{command:?}: {}", ended.stderr);
        }
    }
    assert_eq!(places.lookups(), 1);
}
