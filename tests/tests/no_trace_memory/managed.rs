//! Renewed logins: the replaced tokens, and those in refused answers.

use byokey_dev_backend::TestToken;
use byokey_tests::issuer::{Ask, person};
use byokey_tests::{MadeUp, Setup, Way};
use serde_json::json;

use crate::sign_in::{Scene, Tokens};

const ROTATIONS: usize = 20;

#[tokio::test]
async fn many_renewals() {
    for way in [Way::default(), Way::WebSocket] {
        let mut scene = Scene::start(Setup::default(), way).await;
        let logins: Vec<_> = (0..=ROTATIONS)
            .map(|number| Tokens::new(&format!("rotation-{number}")))
            .collect();
        scene.sign_in(&logins[0]).await;
        for pair in logins.windows(2) {
            scene.backend.reject_bearer(&pair[0].access.text);
            scene.issuer.next(Ask::Refresh, 200, pair[1].answer());
            scene.ask().await.unwrap();
        }
        let asked = scene.issuer.asked(Ask::Refresh);
        assert_eq!(
            asked[ROTATIONS - 1].body["refresh_token"],
            logins[ROTATIONS - 1].refresh.text
        );
        let (last, old) = logins.split_last().unwrap();
        let old: Vec<_> = old.iter().flat_map(Tokens::all).collect();
        scene.subject.assert_all_gone(&old, "renewed").await;
        scene
            .subject
            .assert_all_in_use(&last.all(), "the last of many");
        scene.subject.logout().await;
        scene.issuer.wait_for(Ask::Revoke, 1).await;
        scene
            .subject
            .assert_all_gone(&last.all(), "signed out")
            .await;
    }
}

#[tokio::test]
async fn a_renewal_of_some_of_the_tokens() {
    let mut scene = Scene::new().await;
    let (old, new) = (Tokens::new("whole"), Tokens::new("part"));
    scene.sign_in(&old).await;
    scene.backend.reject_bearer(&old.access.text);
    let answer = json!({"access_token": new.access.text});
    scene.issuer.next(Ask::Refresh, 200, answer);
    scene.ask().await.unwrap();
    scene.subject.assert_gone(&old.access, "renewed").await;
    let held = [old.id.clone(), old.refresh.clone(), new.access.clone()];
    scene.subject.assert_all_in_use(&held, "renewed in part");
}

#[tokio::test]
async fn renewals_that_fail() {
    let (old, new) = (Tokens::new("old"), Tokens::new("new"));
    let other = TestToken::new("eve");
    let others = json!({
        "id_token": MadeUp::of_person("id token", &other, "new").text,
        "access_token": MadeUp::of_person("access token", &other, "new").text,
        "refresh_token": new.refresh.text,
    });
    assert_ne!(other.claims()["email"], person().claims()["email"]);
    let mut reused = new.answer();
    reused["error"] = json!({"code": "refresh_token_reused", "message": new.access.text});
    let mut list = new.answer();
    list["refresh_token"] = json!([new.refresh.text]);
    for (what, status, body) in [
        ("another account", 200, others),
        ("permanent", 401, reused),
        ("transient", 500, new.answer()),
        ("a redirect", 302, new.answer()),
        ("a list", 200, list),
        ("no JSON", 200, json!(format!("{}]", new.answer()))),
    ] {
        let mut scene = Scene::new().await;
        scene.sign_in(&old).await;
        scene.backend.reject_bearer(&old.access.text);
        scene.issuer.next(Ask::Refresh, status, body);
        scene.ask().await.expect_err(what);
        let mut refused = new.all().to_vec();
        refused.push(MadeUp::of_person("id token", &other, "new"));
        refused.push(MadeUp::of_person("access token", &other, "new"));
        scene.subject.assert_all_gone(&refused, what).await;
        scene.subject.assert_all_in_use(&old.all(), what);
        scene.subject.logout().await;
        scene.issuer.wait_for(Ask::Revoke, 1).await;
        scene.subject.assert_all_gone(&old.all(), what).await;
    }
}

#[tokio::test]
async fn a_logout_while_the_issuer_is_asked() {
    let (old, new) = (Tokens::new("old"), Tokens::new("late"));
    let mut scene = Scene::new().await;
    scene.sign_in(&old).await;
    scene.backend.reject_bearer(&old.access.text);
    let gate = scene.issuer.hold(Ask::Refresh);
    scene.issuer.next(Ask::Refresh, 200, new.answer());
    let limits = "account/rateLimits/read";
    let id = scene.subject.host.start(limits, json!({})).await;
    scene.issuer.wait_for(Ask::Refresh, 1).await;
    let local = json!({"revoke": false});
    let host = &mut scene.subject.host;
    host.request("account/logout", local).await.unwrap();
    host.answer(id).await.unwrap_err();
    gate.add_permits(1);
    let secrets: Vec<_> = old.all().into_iter().chain(new.all()).collect();
    scene
        .subject
        .assert_all_gone(&secrets, "signed out meanwhile")
        .await;
}

#[tokio::test]
async fn logins_that_are_replaced() {
    let mut scene = Scene::new().await;
    let (old, new) = (Tokens::new("old"), Tokens::new("new"));
    scene.sign_in(&old).await;
    scene.sign_in(&new).await;
    scene.issuer.wait_for(Ask::Revoke, 1).await;
    scene
        .subject
        .assert_all_gone(&old.all(), "signed in anew")
        .await;
    scene
        .subject
        .assert_all_in_use(&new.all(), "signed in anew");
    let key = MadeUp::api_key("replaces", 164);
    let params = json!({"type": "apiKey", "apiKey": key.text});
    let host = &mut scene.subject.host;
    host.request("account/login/start", params).await.unwrap();
    assert!(scene.completed().await);
    scene.subject.host.notification("account/updated").await;
    scene
        .subject
        .assert_all_gone(&new.all(), "an API key")
        .await;
    scene.subject.assert_in_use(&key, "an API key");
    scene.sign_in(&old).await;
    scene.subject.assert_gone(&key, "signed in again").await;
    let token = MadeUp::jwt("host", 400);
    scene.subject.login(&token).await;
    scene.subject.logout().await;
    let all: Vec<_> = old.all().into_iter().chain([token]).collect();
    scene.subject.assert_all_gone(&all, "after the host").await;
}

#[tokio::test]
async fn an_issuer_that_takes_nothing_back() {
    for status in [400, 500] {
        let mut scene = Scene::new().await;
        let tokens = Tokens::new("not-taken-back");
        scene.sign_in(&tokens).await;
        let body = json!({"error": tokens.refresh.text});
        scene.issuer.next(Ask::Revoke, status, body);
        scene.subject.logout().await;
        scene.issuer.wait_for(Ask::Revoke, 1).await;
        scene
            .subject
            .assert_all_gone(&tokens.all(), "not taken back")
            .await;
    }
}
