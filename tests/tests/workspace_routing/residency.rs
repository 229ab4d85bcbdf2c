//! A workspace that its token binds to a region: its model calls go where they belong, or nowhere.

use byokey_dev_backend::issuer::answers;
use byokey_dev_backend::unsigned;
use byokey_tests::issuer::{Ask, person};
use byokey_tests::shared_store::SharedStore;

use super::*;

#[tokio::test]
async fn without_its_routing_a_bound_workspace_makes_no_model_call() {
    for (what, step) in [
        ("500", json!({"preset": "routing-broken", "repeat": 0})),
        ("401", json!({"status": 401, "repeat": 0})),
        (
            "unlisted",
            json!({"preset": "routing-unlisted", "repeat": 0}),
        ),
        ("foreign", json!({"preset": "routing-foreign", "repeat": 0})),
        ("late", json!({"hang": true, "repeat": 0})),
    ] {
        let places = Places::new();
        places.answer(step);
        let (_server, mut host) = places.program().await;
        host.login(&bound(), "ws-1").await;
        for _ in 0..2 {
            let ended = turn(&mut host).await;
            assert_eq!(ended["status"], "failed", "{what}: {ended}");
            let error = &ended["error"];
            assert_eq!(error["kind"], "workspaceRoutingUnavailable", "{what}");
            assert_eq!(error["codexErrorInfo"], "other", "{what}");
            let text = error["message"].as_str().unwrap();
            assert!(text.contains("bound to a region"), "{what}: {text}");
        }
        assert_eq!(places.model_calls(), (0, 0), "{what}");
        assert_eq!(unasked(&mut host).await, Vec::<String>::new(), "{what}");
        // All else works.
        let limits = host.request("account/rateLimits/read", json!({})).await;
        limits.unwrap();
        let read = host.request("account/read", json!({})).await.unwrap();
        assert_eq!(read["account"]["email"], "ada@example.com", "{what}");
        assert_eq!(places.lookups(), 1, "{what}");
        // A login asks again, unless an answer is still outstanding.
        if what != "late" {
            places.route(&places.workspace.base_url(), "us");
            host.login(&bound(), "ws-1").await;
            complete(&mut host).await;
            assert_eq!(places.model_calls(), (0, 1), "{what}");
        }
    }
}

#[tokio::test]
async fn with_it_the_calls_name_region_and_policy() {
    let places = Places::routed();
    let (_server, mut host) = places.program().await;
    host.login(&bound(), "ws-1").await;
    complete(&mut host).await;
    assert_eq!(places.model_calls(), (0, 1));
    let sent = places.workspace.requests().remove(0);
    assert_eq!(sent.header(OVERRIDE), Some("us"));
    let region = sent.header("x-openai-internal-codex-residency");
    assert_eq!(region, Some("us"));
    // Nothing to route is an answer, too.
    places.route("NO_CONSTRAINT", "NO_CONSTRAINT");
    host.login(&bound(), "ws-2").await;
    complete(&mut host).await;
    assert_eq!(places.model_calls(), (1, 1));
}

/// Another type than text may be a region that is not known here.
#[tokio::test]
async fn a_region_that_cannot_be_read_binds_too() {
    let places = Places::new();
    places.answer(json!({"preset": "routing-broken", "repeat": 0}));
    let mut claims = person().claims();
    claims["https://api.openai.com/auth"]["chatgpt_compute_residency"] = json!(["us"]);
    let (_server, mut host) = places.program().await;
    host.login(&unsigned(&claims, "odd"), "ws-1").await;
    let ended = turn(&mut host).await;
    assert_eq!(ended["error"]["kind"], "workspaceRoutingUnavailable");
    places.route(&places.workspace.base_url(), "us");
    host.login(&unsigned(&claims, "odd-again"), "ws-1").await;
    complete(&mut host).await;
    assert_eq!(places.model_calls(), (0, 1));
    let sent = places.workspace.requests().remove(0);
    assert_eq!(sent.header("x-openai-internal-codex-residency"), None);
}

/// A login that this program renews itself, stored for this owner, and the settings to start with it.
async fn stored(places: &Places, owner: &TestToken) -> (SharedStore, Setup, [String; 2]) {
    let shared = SharedStore::new().await;
    let [old, new] = [1, 2].map(|number| answers::access_token(owner, number));
    shared.keep_for(owner, &old, "rt-made-up", "2026-02-01T12:00:00Z");
    let renewed = json!({
        "access_token": new,
        "id_token": unsigned(&owner.claims(), "id"),
        "refresh_token": "rt-made-up-2",
    });
    shared.issuer.next(Ask::Refresh, 200, renewed);
    let folder = shared.folder.path().to_str().unwrap();
    let setup = shared.issuer.set_up(places.setup());
    let setup = setup
        .argument("--store")
        .argument("file")
        .environment("BYOKEY_HOME", folder);
    (shared, setup, [old, new])
}

/// Neither the lookup that got the 401 renews, nor the turn that is held back because of it: a call
/// of the account does, with a 401 of its own.
#[tokio::test]
async fn the_401_of_a_lookup_does_not_renew_a_login_that_was_revoked_early() {
    let places = Places::routed();
    let owner = TestToken {
        residency: Some("us".to_owned()),
        ..person()
    };
    let (shared, setup, [old, new]) = stored(&places, &owner).await;
    places.configured.reject_bearer(&old);
    let mut server = setup.start();
    places.configured.wait_for(Route::AccountsCheck, 1).await;
    let mut host = Host::initialized(&mut server).await;
    for _ in 0..2 {
        let ended = turn(&mut host).await;
        let kind = &ended["error"]["kind"];
        assert_eq!(kind, "workspaceRoutingUnavailable", "{ended}");
    }
    assert_eq!(unasked(&mut host).await, Vec::<String>::new());
    assert_eq!(shared.issuer.asked(Ask::Refresh).len(), 0);
    assert_eq!((places.lookups(), places.model_calls()), (1, (0, 0)));

    let limits = host.request("account/rateLimits/read", json!({})).await;
    limits.unwrap();
    assert_eq!(shared.issuer.asked(Ask::Refresh).len(), 1);
    complete(&mut host).await;
    assert_eq!((places.lookups(), places.model_calls()), (2, (0, 1)));
    assert_eq!(shared.issuer.asked(Ask::Refresh).len(), 1);
    let sent = places.workspace.requests().remove(0);
    assert_eq!(sent.bearer(), Some(new.as_str()));
}

/// The turn of an unbound one is sent, and renews only if its own request is refused.
#[tokio::test]
async fn the_401_of_a_lookup_does_not_renew_a_login_that_is_not_bound() {
    let places = Places::new();
    places.answer(json!({"status": 401, "repeat": 0}));
    let (shared, setup, [old, _]) = stored(&places, &person()).await;
    let mut server = setup.start();
    places.configured.wait_for(Route::AccountsCheck, 1).await;
    let mut host = Host::initialized(&mut server).await;
    assert_eq!(unasked(&mut host).await, Vec::<String>::new());
    complete(&mut host).await;
    assert_eq!(unasked(&mut host).await, ["warning"]);
    assert_eq!(shared.issuer.asked(Ask::Refresh).len(), 0);
    assert_eq!((places.lookups(), places.model_calls()), (1, (1, 0)));
    let sent = places.configured.requests_to(Route::Responses).remove(0);
    assert_eq!(sent.bearer(), Some(old.as_str()));
}
