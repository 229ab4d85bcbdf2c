//! During and after a streamed turn.

use byokey_dev_backend::{DevBackend, Script};
use byokey_tests::tls::Http;
use byokey_tests::{Framing, MadeUp, Setup, Subject, Way};
use serde_json::json;

use crate::support::{ORDINARY, backend, behind_tls, start_turn};

/// Starts the programs of a test: plain, both versions of HTTP over TLS, and the other transports.
async fn subjects() -> Vec<(DevBackend, Subject)> {
    let plain = backend();
    let subject = Subject::new(&plain).await;
    let mut subjects = vec![
        (plain, subject),
        behind_tls(Http::One).await,
        behind_tls(Http::Two).await,
    ];
    for way in [Way::Unix(Framing::Lines), Way::WebSocket] {
        let backend = backend();
        let subject = Subject::start(Setup::default().backend(&backend), way).await;
        subjects.push((backend, subject));
    }
    subjects
}

fn replies(reply: serde_json::Value) -> Script {
    Script::from_value(json!({"routes": {"responses": [reply]}})).unwrap()
}

#[tokio::test]
async fn a_turn_and_what_follows_it() {
    for (backend, mut subject) in subjects().await {
        backend.set_script(replies(
            json!({"text": ["One", " two", " three"], "deltaDelayMs": 500}),
        ));
        let token = MadeUp::jwt("turn", ORDINARY);
        subject.login(&token).await;
        start_turn(&mut subject).await;
        subject.host.notification("item/agentMessage/delta").await;
        subject.assert_in_use(&token, "during a turn");
        let completed = subject.host.notification("turn/completed").await;
        assert_eq!(completed["turn"]["status"], "completed");
        subject.assert_in_use(&token, "after a turn");
        subject.logout().await;
        subject.assert_gone(&token, "after a turn").await;
    }
}

#[tokio::test]
async fn a_logout_during_a_turn() {
    for (backend, mut subject) in subjects().await {
        backend.set_script(replies(json!({"text": ["One", " two"], "hang": true})));
        let token = MadeUp::jwt("turn-logout", ORDINARY);
        subject.login(&token).await;
        start_turn(&mut subject).await;
        subject.host.notification("item/agentMessage/delta").await;
        subject.logout().await;
        subject
            .assert_gone(&token, "logged out during a turn")
            .await;
    }
}

#[tokio::test]
async fn an_interrupted_turn() {
    for (backend, mut subject) in subjects().await {
        backend.set_script(replies(json!({"hang": true})));
        let token = MadeUp::jwt("turn-interrupt", ORDINARY);
        subject.login(&token).await;
        let (thread, turn) = start_turn(&mut subject).await;
        backend
            .wait_for(byokey_dev_backend::Route::Responses, 1)
            .await;
        let params = json!({"threadId": thread, "turnId": turn});
        subject
            .host
            .request("turn/interrupt", params)
            .await
            .unwrap();
        subject.host.notification("turn/completed").await;
        subject.logout().await;
        subject
            .assert_gone(&token, "after an interrupted turn")
            .await;
    }
}

#[tokio::test]
async fn a_backend_that_sends_the_token_back() {
    for (backend, mut subject) in subjects().await {
        let token = MadeUp::jwt("echo", ORDINARY);
        let body = json!({"error": {"message": token.text, "type": token.text}});
        let step = json!({"status": 400, "body": body, "headers": {"x-request-id": token.text.get(..40).unwrap()}});
        let script = json!({"routes": {"usage": [step.clone()], "responses": [step]}});
        backend.set_script(Script::from_value(script).unwrap());
        subject.login(&token).await;
        let limits = "account/rateLimits/read";
        subject.host.request(limits, json!({})).await.unwrap_err();
        start_turn(&mut subject).await;
        let completed = subject.host.notification("turn/completed").await;
        assert_eq!(completed["turn"]["status"], "failed");
        subject.logout().await;
        subject.assert_gone(&token, "echoed by the backend").await;
    }
}
