//! Personal access tokens.

use byokey_tests::issuer::Ask;
use byokey_tests::{MadeUp, Setup, Subject, Way};
use serde_json::{Value, json};

use crate::sign_in::Scene;

fn token(label: &str) -> MadeUp {
    MadeUp::opaque("personal access token", "at-", label)
}

fn login(token: &MadeUp) -> Value {
    json!({"type": "personalAccessToken", "accessToken": token.text})
}

async fn sign_in(scene: &mut Scene, token: &MadeUp) {
    let host = &mut scene.subject.host;
    host.request("account/login/start", login(token))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_login_calls_and_a_logout() {
    for way in Way::ALL {
        let mut scene = Scene::start(Setup::default(), way).await;
        let (first, second) = (token("first"), token("second"));
        sign_in(&mut scene, &first).await;
        scene.subject.assert_in_use(&first, "signed in");
        scene.ask().await.unwrap();
        scene.subject.assert_in_use(&first, "after a call");
        sign_in(&mut scene, &second).await;
        scene.subject.assert_gone(&first, "replaced").await;
        scene.backend.reject_bearer(&second.text);
        scene.ask().await.unwrap_err();
        scene
            .subject
            .assert_in_use(&second, "refused by the backend");
        scene.subject.logout().await;
        scene.subject.assert_gone(&second, "signed out").await;
    }
}

#[tokio::test]
async fn logins_that_are_refused() {
    let mut scene = Scene::new().await;
    let token = token("refused");
    for (status, body) in [
        (401, json!({"error": token.text})),
        (500, json!(token.text)),
        (200, json!({"email": token.text})),
        (302, json!({})),
    ] {
        scene.issuer.next(Ask::Whoami, status, body);
        let host = &mut scene.subject.host;
        let refused = host.request("account/login/start", login(&token)).await;
        refused.unwrap_err();
        scene.subject.assert_gone(&token, "refused").await;
    }
    let asked = scene.issuer.asked(Ask::Whoami).len();
    for text in [
        token.text.replacen("at-", "at- ", 1),
        format!("\"{}\"", token.text),
        format!("Bearer {}", token.text),
    ] {
        let bad = MadeUp {
            text,
            ..token.clone()
        };
        let host = &mut scene.subject.host;
        let refused = host.request("account/login/start", login(&bad)).await;
        refused.unwrap_err();
        scene.subject.assert_gone(&bad, "not sent anywhere").await;
    }
    assert_eq!(scene.issuer.asked(Ask::Whoami).len(), asked);

    let forced = Setup::default().config("forced_chatgpt_workspace_id = \"ws-forced\"");
    let mut scene = Scene::start(forced, Way::default()).await;
    let host = &mut scene.subject.host;
    host.request("account/login/start", login(&token))
        .await
        .unwrap_err();
    scene.subject.assert_gone(&token, "another workspace").await;
}

#[tokio::test]
async fn logins_that_are_overtaken() {
    let mut scene = Scene::new().await;
    let personal = token("overtaken");
    let gate = scene.issuer.hold(Ask::Whoami);
    for by_host in [true, false] {
        let asked = scene.issuer.asked(Ask::Whoami).len();
        let start = "account/login/start";
        let id = scene.subject.host.start(start, login(&personal)).await;
        scene.issuer.wait_for(Ask::Whoami, asked + 1).await;
        let when = "its owner is asked for";
        scene.subject.assert_in_use(&personal, when);
        if by_host {
            scene.subject.login(&MadeUp::jwt("host", 400)).await;
        }
        scene.subject.logout().await;
        gate.add_permits(1);
        scene.subject.host.answer(id).await.unwrap_err();
        scene.subject.assert_gone(&personal, "overtaken").await;
    }
}

#[tokio::test]
async fn a_token_of_the_environment() {
    let issuer = byokey_tests::issuer::Issuer::start().await;
    let token = token("environment");
    let setup = Setup::default().environment("CODEX_ACCESS_TOKEN", &token.text);
    let mut subject = Subject::start(issuer.set_up(setup), Way::default()).await;
    // Answered after startup.
    let read = subject.host.request("account/read", json!({})).await;
    assert_eq!(read.unwrap()["account"]["type"], "chatgpt");
    assert_eq!(issuer.asked(Ask::Whoami).len(), 1);
    subject.assert_in_use(&token, "taken from the environment");
    subject.logout().await;
    subject
        .assert_gone(&token, "taken from the environment")
        .await;
}
