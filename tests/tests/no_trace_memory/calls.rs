//! Logged in, and after each kind of call.

use std::time::Duration;

use byokey_dev_backend::{DevBackend, Route};
use byokey_tests::tls::Http;
use byokey_tests::{Framing, MadeUp, Setup, Subject, Way};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::support::{ORDINARY, backend, behind_tls, call, start_turn};

const CALLS: [&str; 3] = [
    "model/list",
    "account/usage/read",
    "account/rateLimits/read",
];

async fn examine_calls(subject: &mut Subject, token: &MadeUp) {
    subject.login(token).await;
    let traces = subject.assert_in_use(token, "logged in");
    assert_eq!(traces.full, 1, "logged in: only the stored copy");
    for method in CALLS {
        call(subject, method).await;
        subject.assert_in_use(token, method);
    }
    subject.logout().await;
    subject.assert_gone(token, "after logout").await;
}

#[tokio::test]
async fn tokens_over_http() {
    for way in Way::ALL {
        let backend = backend();
        let mut subject = Subject::start(Setup::default().backend(&backend), way).await;
        examine_calls(&mut subject, &MadeUp::jwt("http", ORDINARY)).await;
    }
}

#[tokio::test]
async fn tokens_over_https() {
    for (http, version) in [(Http::One, "HTTP/1.1"), (Http::Two, "HTTP/2.0")] {
        let (backend, mut subject) = behind_tls(http).await;
        examine_calls(&mut subject, &MadeUp::jwt(version, ORDINARY)).await;
        let requests = backend.requests();
        assert!(requests.len() > CALLS.len());
        for request in requests {
            // HTTP/2 has no such header.
            assert_eq!(request.header("host").is_some(), http == Http::One);
        }
    }
}

#[tokio::test]
async fn connections_and_tickets_that_wait() {
    for http in [Http::One, Http::Two] {
        let (backend, mut subject) = behind_tls(http).await;
        let token = MadeUp::jwt("standby", ORDINARY);
        // Another account, so that all that waits is its own.
        subject.host.login(&token.text, "ws-standby").await;
        standby(&backend).await;
        let login = subject.assert_in_use(&token, "logged in");
        for method in CALLS {
            standby(&backend).await;
            let traces = subject.assert_in_use(&token, "a connection waits");
            assert_eq!(traces.full, 1, "{http:?}: only the stored copy");
            // Fragments too: those of the stored copy, and none of a call.
            assert!(traces.windows <= login.windows, "{http:?}: {traces:?}");
            call(&mut subject, method).await;
        }
        standby(&backend).await;
        let before = backend.connections();
        assert!(before.resumed > 0, "{http:?}: there are tickets");
        subject.assert_in_use(&token, "a connection waits, and tickets");
        subject.logout().await;
        subject.assert_gone(&token, "after logout").await;
    }
}

/// Waits until nothing is left but a connection that waits.
async fn standby(backend: &DevBackend) {
    let poll = async {
        loop {
            let connections = backend.connections();
            if connections.open == 1 && connections.handshakes == connections.accepted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(byokey_tests::PATIENCE, poll)
        .await
        .unwrap();
}

#[tokio::test]
async fn api_keys() {
    let backend = backend();
    for way in Way::ALL {
        let mut subject = Subject::start(Setup::default().backend(&backend), way).await;
        let key = MadeUp::api_key("api-keys", 164);
        let params = json!({"type": "apiKey", "apiKey": key.text});
        let login = subject.host.request("account/login/start", params).await;
        login.unwrap();
        subject.assert_in_use(&key, "API key");
        call(&mut subject, "model/list").await;
        subject.assert_in_use(&key, "API key after a call");
        subject.logout().await;
        subject.assert_gone(&key, "API key after logout").await;
    }
    assert_eq!(backend.count(Route::Models), Way::ALL.len());
}

#[tokio::test]
async fn bearer_tokens_of_the_host() {
    let backend = backend();
    for way in Way::ALL {
        let mut subject = Subject::start(Setup::default().backend(&backend), way).await;
        let old = MadeUp::opaque("bearer token", "", "bearer-old");
        let new = MadeUp::opaque("bearer token", "", "bearer-new");
        backend.accept_bearer(&old.text);
        let origin = backend.base_url();
        let params = json!({"type": "bearerToken", "token": old.text, "origin": origin});
        let login = subject.host.request("account/login/start", params).await;
        login.unwrap();
        let traces = subject.assert_in_use(&old, "logged in");
        assert_eq!(traces.full, 1, "logged in: only the stored copy");
        call(&mut subject, "model/list").await;
        subject.assert_in_use(&old, "a bearer after a call");

        backend.reject_bearer(&old.text);
        let (thread, _) = start_turn(&mut subject).await;
        let (refresh, _) = subject.host.asked("account/bearerToken/refresh").await;
        subject
            .host
            .respond(&refresh, json!({"token": new.text}))
            .await;
        let completed = subject.host.notification("turn/completed").await;
        assert_eq!(completed["threadId"], thread);
        assert_eq!(completed["turn"]["status"], "completed", "{completed}");
        subject.assert_gone(&old, "replaced by a refresh").await;
        subject.assert_in_use(&new, "a bearer after a turn");
        subject.logout().await;
        subject.assert_gone(&new, "a bearer after logout").await;
    }
}

#[tokio::test]
async fn a_token_that_was_told() {
    for way in Way::ALL {
        let mut subject = Subject::start(Setup::default(), way).await;
        let token = MadeUp::jwt("told", ORDINARY);
        subject.login(&token).await;
        let params = json!({"includeToken": true});
        let status = subject.host.request("getAuthStatus", params).await.unwrap();
        assert_eq!(status["authToken"], token.text);
        subject.logout().await;
        subject.assert_gone(&token, "told, then logged out").await;
    }
}

#[tokio::test]
async fn cancelled_calls() {
    for http in [None, Some(Http::One), Some(Http::Two)] {
        let (backend, mut subject) = match http {
            None => {
                let backend = backend();
                let subject = Subject::new(&backend).await;
                (backend, subject)
            }
            Some(http) => behind_tls(http).await,
        };
        let token = MadeUp::jwt("cancelled", ORDINARY);
        subject.login(&token).await;
        let gate = backend.hold(Route::Usage);
        for _ in 0..3 {
            let id = subject
                .host
                .start("account/rateLimits/read", json!({}))
                .await;
            gate.wait_for(1).await;
            subject.assert_in_use(&token, "a call without an answer");
            let cancel = json!({"method": "$/cancelRequest", "params": {"id": id}});
            subject.host.send(&cancel).await;
            assert_eq!(subject.host.answer(id).await.unwrap_err().code, -32800);
        }
        subject.logout().await;
        subject.assert_gone(&token, "after cancelled calls").await;
    }
}

#[tokio::test]
async fn calls_that_hang_at_logout() {
    for http in [Http::One, Http::Two] {
        let (backend, mut subject) = behind_tls(http).await;
        let token = MadeUp::jwt("hanging", ORDINARY);
        subject.login(&token).await;
        let gate = backend.hold(Route::Usage);
        let mut started = Vec::new();
        for _ in 0..5 {
            let id = subject
                .host
                .start("account/rateLimits/read", json!({}))
                .await;
            started.push(id);
        }
        gate.wait_for(5).await;
        subject.logout().await;
        subject
            .assert_gone(&token, "logout with calls under way")
            .await;
        for id in started {
            let refused = subject.host.answer(id).await.unwrap_err();
            assert_eq!(refused.kind(), "authRequired");
        }
    }
}

#[tokio::test]
async fn bodies_that_hang_at_logout() {
    for status in ["200 OK", "500 Internal Server Error"] {
        let (url, mut begun) = heads_without_bodies(status).await;
        let config = format!("chatgpt_base_url = \"{url}/backend-api\"");
        let mut subject = Subject::start(Setup::default().config(&config), Framing::Lines).await;
        let token = MadeUp::jwt("hanging-body", ORDINARY);
        subject.login(&token).await;
        let limits = "account/rateLimits/read";
        let id = subject.host.start(limits, json!({})).await;
        begun.recv().await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        subject.logout().await;
        subject.assert_gone(&token, "a body that never came").await;
        let refused = subject.host.answer(id).await.unwrap_err();
        assert_eq!(refused.kind(), "authRequired");
    }
}

/// Starts a server that sends a head and then stays silent. Returns its URL, and a receiver of its
/// requests.
async fn heads_without_bodies(status: &'static str) -> (String, mpsc::UnboundedReceiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sent, begun) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            while stream.read(&mut request).await.unwrap() == request.len() {}
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: 100\r\n\r\n{{");
            stream.write_all(head.as_bytes()).await.unwrap();
            open.push(stream);
            let _ = sent.send(());
        }
    });
    (url, begun)
}

#[tokio::test]
async fn no_backend_there() {
    let config = "chatgpt_base_url = \"http://127.0.0.1:1/backend-api\"";
    let mut subject = Subject::start(Setup::default().config(config), Framing::Lines).await;
    let token = MadeUp::jwt("unreachable", ORDINARY);
    subject.login(&token).await;
    let refused = subject
        .host
        .request("account/rateLimits/read", json!({}))
        .await;
    assert_eq!(refused.unwrap_err().kind(), "unreachable");
    subject.assert_in_use(&token, "after a failed connection");
    subject.logout().await;
    subject
        .assert_gone(&token, "after a failed connection")
        .await;
}
