//! Lookups that fail, or take long: they cost no account method anything.

use std::time::Instant;

use super::*;

/// Below the 10 s after which a lookup ends by itself: a call that takes longer waited for that.
const LOOKUP_DEADLINE: Duration = Duration::from_secs(8);

/// Calls the methods that report about the account while its routing is not known.
async fn ask_about_the_account(host: &mut Host) {
    assert_eq!(shown(host).await, Value::Null);
    let ask = json!({"includeToken": true, "refreshToken": true});
    let status = host.request("getAuthStatus", ask).await.unwrap();
    assert_eq!(status["authToken"], ada());
    for method in [
        "account/rateLimits/read",
        "account/usage/read",
        "model/list",
    ] {
        let answer = host.request(method, json!({})).await;
        assert!(answer.is_ok(), "{method}: {answer:?}");
    }
}

/// Answers to a lookup that name no routing, and whether a model call has to wait for them.
fn failures() -> Vec<(&'static str, Value, bool)> {
    let refused = json!({"error": {"message": "made up", "code": "token_expired"}});
    vec![
        (
            "401",
            json!({"status": 401, "body": refused, "repeat": 0}),
            false,
        ),
        ("403", json!({"status": 403, "repeat": 0}), false),
        (
            "404",
            json!({"status": 404, "body": "", "repeat": 0}),
            false,
        ),
        (
            "500",
            json!({"preset": "routing-broken", "repeat": 0}),
            false,
        ),
        (
            "redirect",
            json!({"status": 302, "headers": {"location": "/backend-api/wham/usage"}, "repeat": 0}),
            false,
        ),
        (
            "garbage",
            json!({"body": "<html>no JSON", "repeat": 0}),
            false,
        ),
        (
            "list",
            json!({"body": [[{"id": "ws-1"}]], "repeat": 0}),
            false,
        ),
        (
            "unlisted",
            json!({"preset": "routing-unlisted", "repeat": 0}),
            false,
        ),
        (
            "foreign",
            json!({"preset": "routing-foreign", "repeat": 0}),
            false,
        ),
        ("dropped", json!({"drop": true, "repeat": 0}), false),
        ("endless", json!({"endless": "body", "repeat": 0}), false),
        ("hanging", json!({"hang": true, "repeat": 0}), true),
        (
            "dripping",
            json!({"body": {"accounts": []}, "dripMs": 900, "repeat": 0}),
            true,
        ),
    ]
}

#[tokio::test]
async fn a_failed_lookup_is_a_warning_and_the_configured_backend() {
    for (what, step, waits) in failures() {
        let places = Places::new();
        places.answer(step);
        let (_server, mut host) = places.program().await;
        // The login, and everything about the account, is answered at once and as always.
        let begun = Instant::now();
        host.login(&ada(), "ws-1").await;
        ask_about_the_account(&mut host).await;
        // Nothing waits for an answer that does not come, not even as long as a model call does.
        assert!(begun.elapsed() < WAIT, "{what}: {:?}", begun.elapsed());
        places.configured.wait_for(Route::AccountsCheck, 1).await;
        assert_eq!(unasked(&mut host).await, Vec::<String>::new(), "{what}");

        let thread = thread(&mut host).await;
        let begun = Instant::now();
        begin(&mut host, &thread).await;
        let warning = host.notification("warning").await;
        let ended = end(&mut host).await;
        let took = begun.elapsed();
        assert_eq!(ended["status"], "completed", "{what}: {ended}");
        assert_eq!(warning["threadId"], thread, "{what}");
        let text = warning["message"].as_str().unwrap();
        assert!(text.contains("routing of the workspace"), "{what}: {text}");
        assert!(!text.contains("workspace.example"), "{what}: {text}");
        assert!(!waits || took >= WAIT - QUIET, "{what}: {took:?}");
        assert!(took < LOOKUP_DEADLINE, "{what}: {took:?}");
        // One warning for a thread, one lookup for an account, no request to the host.
        begin(&mut host, &thread).await;
        assert_eq!(end(&mut host).await["status"], "completed", "{what}");
        assert_eq!(unasked(&mut host).await, Vec::<String>::new(), "{what}");
        assert_eq!(places.lookups(), 1, "{what}");
        assert_eq!(places.model_calls(), (2, 0), "{what}");
        let sent = places.configured.requests_to(Route::Responses);
        assert!(sent.iter().all(|it| it.header(OVERRIDE).is_none()));
        let read = host.request("account/read", json!({})).await.unwrap();
        assert_eq!(read["account"]["email"], "ada@example.com", "{what}");
    }
}

#[tokio::test]
async fn a_model_call_waits_for_a_lookup_but_not_for_long() {
    let places = Places::routed();
    let gate = places.configured.hold(Route::AccountsCheck);
    let (_server, mut host) = places.program().await;
    // Nothing of the account waits: not the login, and nothing after it.
    let begun = Instant::now();
    host.login(&ada(), "ws-1").await;
    ask_about_the_account(&mut host).await;
    assert!(begun.elapsed() < WAIT, "{:?}", begun.elapsed());
    gate.wait_for(1).await;
    // A model call does, and follows an answer that comes in time.
    let thread = thread(&mut host).await;
    begin(&mut host, &thread).await;
    tokio::time::sleep(QUIET).await;
    assert_eq!(places.model_calls(), (0, 0));
    let begun = Instant::now();
    ask_about_the_account(&mut host).await;
    assert!(begun.elapsed() < WAIT, "{:?}", begun.elapsed());
    gate.release();
    assert_eq!(end(&mut host).await["status"], "completed");
    assert_eq!(places.model_calls(), (0, 1));

    // One that does not is done without, and followed by later calls.
    let gate = places.configured.hold(Route::AccountsCheck);
    let begun = Instant::now();
    host.login(&ada(), "ws-2").await;
    assert!(begun.elapsed() < WAIT, "{:?}", begun.elapsed());
    gate.wait_for(1).await;
    let begun = Instant::now();
    let ended = turn(&mut host).await;
    let took = begun.elapsed();
    assert_eq!(ended["status"], "completed", "{ended}");
    assert!((WAIT - QUIET..LOOKUP_DEADLINE).contains(&took), "{took:?}");
    assert_eq!(places.model_calls(), (1, 1));
    host.notification("warning").await;
    gate.release();
    let known = async {
        while shown(&mut host).await == Value::Null {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(byokey_tests::PATIENCE, known)
        .await
        .unwrap();
    complete(&mut host).await;
    assert_eq!(places.model_calls(), (1, 2));
    assert_eq!(unasked(&mut host).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_logout_or_an_interrupt_ends_the_wait() {
    let places = Places::routed();
    let _gate = places.configured.hold(Route::AccountsCheck);
    let (_server, mut host) = places.signed_in().await;
    let turn = byokey_tests::turns::begin_turn(&mut host).await;
    tokio::time::sleep(QUIET).await;
    host.request("turn/interrupt", turn).await.unwrap();
    assert_eq!(end(&mut host).await["status"], "interrupted");
    let thread = thread(&mut host).await;
    begin(&mut host, &thread).await;
    tokio::time::sleep(QUIET).await;
    host.request("account/logout", json!({})).await.unwrap();
    let ended = end(&mut host).await;
    assert_eq!(ended["error"]["codexErrorInfo"], "unauthorized", "{ended}");
    assert_eq!(places.model_calls(), (0, 0));
    let messages = unasked(&mut host).await;
    assert!(!messages.iter().any(|it| it == "warning"), "{messages:?}");
}

#[tokio::test]
async fn a_new_login_or_renewal_asks_again_after_a_failure() {
    let places = Places::new();
    places.answer(json!({"status": 401, "repeat": 0}));
    let (_server, mut host) = places.signed_in().await;
    complete(&mut host).await;
    assert_eq!((places.lookups(), places.model_calls()), (1, (1, 0)));
    // The call's own 401 is recovered from, and the newer token is asked about.
    places.route(&places.workspace.base_url(), "us");
    places.configured.reject_bearer(ada());
    turn_with_renewal(&mut host, 9_000, None).await;
    assert_eq!((places.lookups(), places.model_calls()), (2, (2, 1)));
}

#[tokio::test]
async fn newer_tokens_are_asked_about_when_the_lookup_under_way_fails() {
    let places = Places::new();
    let origin = places.workspace.base_url();
    let account =
        json!({"id": "ws-1", "workspace_backend_origin": origin, "account_routing_override": "us"});
    let steps = json!([{"status": 401}, {"body": {"accounts": [account]}, "repeat": 0}]);
    let script = json!({"routes": {"accountsCheck": steps}});
    places
        .configured
        .set_script(Script::from_value(script).unwrap());
    let gate = places.configured.hold(Route::AccountsCheck);
    let (_server, mut host) = places.program().await;
    host.login(&bound(), "ws-1").await;
    gate.wait_for(1).await;
    let newer = TestToken {
        expires_at: FAR - 1,
        residency: Some("us".to_owned()),
        ..TestToken::new("ada")
    };
    host.login(&newer.encode(), "ws-1").await;
    assert_eq!(places.lookups(), 1, "one at a time");
    gate.release();
    complete(&mut host).await;
    assert_eq!((places.lookups(), places.model_calls()), (2, (0, 1)));
    let asked = places.configured.requests_to(Route::AccountsCheck);
    assert_eq!(asked[1].bearer(), Some(newer.encode().as_str()));
    assert_eq!(unasked(&mut host).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_lookup_counts_among_the_short_calls() {
    const MAX_CALLS: usize = 64;
    let places = Places::routed();
    let (_server, mut host) = places.signed_in().await;
    places.configured.wait_for(Route::AccountsCheck, 1).await;
    let gate = places.configured.hold(Route::Usage);
    for _ in 0..MAX_CALLS {
        host.start("account/rateLimits/read", json!({})).await;
    }
    gate.wait_for(MAX_CALLS).await;
    host.login(&ada(), "ws-2").await;
    tokio::time::sleep(QUIET).await;
    assert_eq!(places.lookups(), 1, "it waits for its turn");
    gate.release();
    places.configured.wait_for(Route::AccountsCheck, 2).await;
}
