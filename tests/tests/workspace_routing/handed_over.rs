//! A routing that the host hands over with its tokens.

use super::*;

fn routing(origin: &str) -> Value {
    json!({"chatgptAccountId": "ws-1", "backendOrigin": origin, "accountRoutingOverride": "us"})
}

fn login(token: &str, routing: &Value) -> Value {
    json!({
        "type": "chatgptAuthTokens",
        "accessToken": token,
        "chatgptAccountId": "ws-1",
        "workspaceRouting": routing,
    })
}

#[tokio::test]
async fn what_the_host_hands_over_is_not_looked_up() {
    for token in [ada(), bound()] {
        let places = Places::new();
        let _gate = places.configured.hold(Route::AccountsCheck);
        let (_server, mut host) = places.program().await;
        let routing = routing(&places.workspace.base_url());
        let params = login(&token, &routing);
        host.request("account/login/start", params).await.unwrap();
        assert_eq!(shown(&mut host).await, routing);
        complete(&mut host).await;
        assert_eq!(places.model_calls(), (0, 1));
        let sent = places.workspace.requests().remove(0);
        assert_eq!(sent.header(OVERRIDE), Some("us"));
        // A renewal, and a login without a routing, keep it.
        let newer = TestToken::new("ada").expiring_in(Duration::from_secs(7_200));
        host.login(&newer.encode(), "ws-1").await;
        assert_eq!(shown(&mut host).await, routing);
        complete(&mut host).await;
        assert_eq!((places.lookups(), places.model_calls()), (0, (0, 2)));
    }
}

#[tokio::test]
async fn a_call_that_waits_for_the_lookup_follows_what_the_host_hands_over() {
    for token in [ada(), bound()] {
        let places = Places::new();
        let _gate = places.configured.hold(Route::AccountsCheck);
        let (_server, mut host) = places.program().await;
        host.login(&token, "ws-1").await;
        places.configured.wait_for(Route::AccountsCheck, 1).await;
        let thread = thread(&mut host).await;
        begin(&mut host, &thread).await;
        let routing = routing(&places.workspace.base_url());
        let params = login(&token, &routing);
        host.request("account/login/start", params).await.unwrap();
        assert_eq!(end(&mut host).await["status"], "completed");
        assert_eq!(places.model_calls(), (0, 1));
    }
}

#[tokio::test]
async fn it_may_come_with_newer_tokens_too() {
    let places = Places::new();
    let (_server, mut host) = places.program().await;
    let url = places.configured.base_url();
    let params = login(&ada(), &routing(&url));
    host.request("account/login/start", params).await.unwrap();
    places.configured.reject_bearer(ada());
    let renewed = turn_with_renewal(
        &mut host,
        9_000,
        Some(routing(&places.workspace.base_url())),
    )
    .await;
    assert_eq!((places.lookups(), places.model_calls()), (0, (1, 1)));
    // Good tokens are not lost to a routing that does not count.
    places.workspace.reject_bearer(renewed);
    turn_with_renewal(&mut host, 9_900, Some(routing("https://evilchatgpt.com"))).await;
    // Nor is what was known.
    assert_eq!((places.lookups(), places.model_calls()), (0, (1, 3)));
    let messages = unasked(&mut host).await;
    assert!(!messages.iter().any(|it| it == "warning"), "{messages:?}");
}

#[tokio::test]
async fn one_that_does_not_count_with_newer_tokens_is_looked_up_like_none() {
    let places = Places::new();
    places.answer(json!({"status": 500, "repeat": 0}));
    let (server, mut host) = places.signed_in().await;
    complete(&mut host).await;
    assert_eq!((places.lookups(), places.model_calls()), (1, (1, 0)));
    places.route(&places.workspace.base_url(), "us");
    places.configured.reject_bearer(ada());
    turn_with_renewal(&mut host, 9_000, Some(routing("https://evilchatgpt.com"))).await;
    assert_eq!((places.lookups(), places.model_calls()), (2, (2, 1)));
    let log = server.log_with("came with the tokens does not count").await;
    assert!(!log.contains("evilchatgpt"), "{log}");
}

#[tokio::test]
async fn a_routing_that_does_not_count_refuses_the_login_and_names_its_member() {
    let places = Places::new();
    let (_server, mut host) = places.signed_in().await;
    places.configured.wait_for(Route::AccountsCheck, 1).await;
    let good = routing(&places.workspace.base_url());
    for (member, value, path) in [
        (
            "backendOrigin",
            json!("https://evilchatgpt.com"),
            "workspaceRouting.backendOrigin",
        ),
        (
            "backendOrigin",
            json!("http://us.chatgpt.com"),
            "workspaceRouting.backendOrigin",
        ),
        (
            "backendOrigin",
            json!("us.chatgpt.com"),
            "workspaceRouting.backendOrigin",
        ),
        ("backendOrigin", json!(7), "workspaceRouting"),
        ("backendOrigin", json!(null), "workspaceRouting"),
        (
            "accountRoutingOverride",
            json!("a b"),
            "workspaceRouting.accountRoutingOverride",
        ),
        (
            "accountRoutingOverride",
            json!({"us": 1}),
            "workspaceRouting",
        ),
        (
            "chatgptAccountId",
            json!("ws-2"),
            "workspaceRouting.chatgptAccountId",
        ),
    ] {
        let mut bad = good.clone();
        bad[member] = value;
        let params = login(&ada(), &bad);
        let refused = host.request("account/login/start", params).await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.kind(), "invalidParams", "{bad}: {refused:?}");
        assert!(refused.message.contains(path), "{bad}: {}", refused.message);
        for value in ["evil", "us.chatgpt.com", "a b", "ws-2"] {
            assert!(!refused.message.contains(value), "{}", refused.message);
        }
    }
    // The login before is as it was.
    assert_eq!(
        shown(&mut host).await["backendOrigin"],
        places.configured.base_url()
    );
    assert_eq!(places.lookups(), 1);
    // For other logins the member is none.
    let key = json!({"type": "apiKey", "apiKey": "sk-made-up-key", "workspaceRouting": 7});
    host.request("account/logout", json!({})).await.unwrap();
    host.request("account/login/start", key).await.unwrap();
}
