//! Replaced tokens, and the host's answers.

use byokey_dev_backend::{DevBackend, Route};
use byokey_tests::{Framing, MadeUp, Setup, Subject, Way};
use serde_json::{Value, json};

use crate::support::{ORDINARY, backend, call, scripted};

const ROTATIONS: usize = 100;
const REFRESH: &str = "account/chatgptAuthTokens/refresh";

fn token(number: usize) -> MadeUp {
    MadeUp::jwt(&format!("rotation-{number}"), ORDINARY)
}

#[tokio::test]
async fn a_hundred_logins() {
    let mut subject = Subject::start(Setup::default(), Framing::Lines).await;
    let tokens: Vec<_> = (0..=ROTATIONS).map(token).collect();
    for token in &tokens {
        subject.login(token).await;
    }
    let (last, old) = tokens.split_last().unwrap();
    subject.assert_all_gone(old, "replaced by a login").await;
    subject.assert_in_use(last, "the last of many");
    subject.logout().await;
    subject.assert_all_gone(&tokens, "after logout").await;
}

#[tokio::test]
async fn a_hundred_refreshes() {
    for way in [Way::Stdio(Framing::Lines), Way::WebSocket] {
        rotate(way).await;
    }
}

async fn rotate(way: Way) {
    let backend = backend();
    let mut subject = Subject::start(Setup::default().backend(&backend), way).await;
    let tokens: Vec<_> = (0..=ROTATIONS).map(token).collect();
    subject.login(&tokens[0]).await;
    for pair in tokens.windows(2) {
        backend.reject_bearer(&pair[0].text);
        let id = ask(&mut subject).await;
        let (question, _) = subject.host.asked(REFRESH).await;
        subject.host.respond(&question, answer(&pair[1])).await;
        subject.host.answer(id).await.unwrap();
    }
    let (last, old) = tokens.split_last().unwrap();
    subject.assert_all_gone(old, "replaced by a refresh").await;
    subject.assert_in_use(last, "the last of many");
    subject.logout().await;
    subject.assert_all_gone(&tokens, "after logout").await;
    assert_eq!(backend.count(Route::Usage), 2 * ROTATIONS);
}

async fn ask(subject: &mut Subject) -> i64 {
    let limits = "account/rateLimits/read";
    subject.host.start(limits, json!({})).await
}

fn answer(token: &MadeUp) -> Value {
    json!({"accessToken": token.text, "chatgptAccountId": "ws-made-up"})
}

/// Starts a logged-in program with an expired token and calls the backend: a refresh request is
/// pending.
async fn with_question(backend: &DevBackend, setup: Setup, old: &MadeUp) -> (Subject, i64, Value) {
    let mut subject = Subject::start(setup.backend(backend), Framing::Lines).await;
    subject.login(old).await;
    backend.reject_bearer(&old.text);
    let id = ask(&mut subject).await;
    let (question, _) = subject.host.asked(REFRESH).await;
    (subject, id, question)
}

#[tokio::test]
async fn answers_that_are_refused() {
    let old = token(0);
    let new = token(1);
    let no_jwt = MadeUp::api_key("no-jwt", 200);
    let forced = r#"forced_chatgpt_workspace_id = "ws-made-up""#;
    let wrong_workspace = json!({"accessToken": new.text, "chatgptAccountId": "ws-other"});
    let answers = [
        ("wrong workspace", &new, json!({"result": wrong_workspace})),
        (
            "no account",
            &new,
            json!({"result": {"accessToken": new.text}}),
        ),
        ("no token but a list", &new, json!({"result": [new.text]})),
        ("no object", &new, json!({"result": new.text})),
        (
            "unknown members",
            &new,
            json!({"result": {"access_token": new.text}}),
        ),
        (
            "an error",
            &new,
            json!({"error": {"code": -1, "message": new.text, "data": answer(&new)}}),
        ),
        (
            "both",
            &new,
            json!({"result": answer(&new), "error": {"code": 1, "message": ""}}),
        ),
        ("no JWT", &no_jwt, json!({"result": answer(&no_jwt)})),
    ];
    for (what, secret, mut message) in answers {
        let backend = backend();
        let setup = Setup::default().config(forced);
        let (mut subject, id, question) = with_question(&backend, setup, &old).await;
        subject.server.canaries.add(&secret.text);
        message["id"] = question;
        subject.host.send(&message).await;
        subject.host.answer(id).await.expect_err(what);
        subject.assert_gone(secret, what).await;
        subject.assert_in_use(&old, "the old token stays");
        subject.logout().await;
        subject.assert_gone(&old, "after logout").await;
    }
}

#[tokio::test]
async fn answers_that_come_too_late() {
    let (old, new) = (token(0), token(1));
    let backend = backend();
    let (mut subject, id, question) = with_question(&backend, Setup::default(), &old).await;
    subject.logout().await;
    subject.host.answer(id).await.unwrap_err();
    for _ in 0..3 {
        subject.host.respond(&question, answer(&new)).await;
    }
    call(&mut subject, "account/read").await;
    let tokens = [old, new];
    subject
        .assert_all_gone(&tokens, "an answer after logout")
        .await;
}

#[tokio::test]
async fn a_token_that_is_refused_again() {
    let (old, new) = (token(0), token(1));
    let backend = scripted(json!({"routes": {"usage": [{"status": 401, "repeat": 2}]}}));
    let mut subject = Subject::new(&backend).await;
    subject.login(&old).await;
    let id = ask(&mut subject).await;
    let (question, _) = subject.host.asked(REFRESH).await;
    subject.host.respond(&question, answer(&new)).await;
    subject.host.answer(id).await.unwrap_err();
    subject.assert_gone(&old, "refused and renewed").await;
    subject.logout().await;
    subject.assert_gone(&new, "renewed and refused").await;
}
