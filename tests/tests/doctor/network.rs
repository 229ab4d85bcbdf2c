//! What may be wrong with the way out, and that it is taken only where that is asked for.

use std::time::{Duration, SystemTime};

use byokey_dev_backend::{DevBackend, Options};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::Person;
use super::situations::login_of_ada;

#[tokio::test]
async fn a_proxy_that_cannot_be_used_is_named_by_its_variable_alone() {
    let person = Person::new("");
    let environment = [("HTTPS_PROXY", "nonsense://made-up-password@proxy.example")];
    let report = person.doctor(&[], &environment).await;
    let text = "HTTPS_PROXY has a scheme that is not supported";
    report.has("network.route", "failure", text, "unset HTTPS_PROXY");
    assert!(!report.ended.stdout.contains("made-up-password"));
    let environment = [("HTTPS_PROXY", "http://ada:made-up-password@proxy.example")];
    let report = person.doctor(&[], &environment).await;
    report.has(
        "network.route",
        "ok",
        "through the proxy of HTTPS_PROXY",
        "",
    );
    assert!(!report.ended.stdout.contains("made-up-password"));
}

#[tokio::test]
async fn certificate_authorities_that_cannot_be_used_are_named() {
    let person = Person::new("");
    let environment = [("SSL_CERT_FILE", "/nonexistent.pem")];
    let report = person.doctor(&[], &environment).await;
    report.has(
        "network.roots",
        "failure",
        "SSL_CERT_FILE: ",
        "unset SSL_CERT_FILE",
    );
}

#[tokio::test]
async fn an_address_that_secrets_must_not_be_sent_to_is_a_failure() {
    let person = Person::new("chatgpt_base_url = 'http://backend.example/backend-api'");
    let report = person.doctor(&[], &[]).await;
    report.has(
        "network.route",
        "failure",
        "is not https:// and not on this machine",
        "",
    );
}

#[tokio::test]
async fn nothing_is_sent_unless_that_is_asked_for_and_then_no_credential() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let url = backend.base_url();
    let user = url.replace("://", "://ada:made-up-password@");
    let person = Person::new(&format!(
        "chatgpt_base_url = '{url}/backend-api'\nmodel_provider = 'mine'\n\
         [model_providers.mine]\nbase_url = '{user}/v1?key=made-up-key'"
    ));
    login_of_ada(&person);
    let environment = [("CODEX_APP_SERVER_LOGIN_ISSUER", url.as_str())];
    let store = ["--store", "file"];
    person.doctor(&store, &environment).await;
    assert_eq!(backend.requests().len(), 0);
    let report = person
        .doctor(&["--store", "file", "--network"], &environment)
        .await;
    let requests = backend.requests();
    assert_eq!(requests.len(), 3, "{requests:?}");
    for request in &requests {
        assert_eq!(request.header("authorization"), None, "{requests:?}");
        let shown = format!("{request:?}");
        assert!(!shown.contains("made-up-key"), "{shown}");
    }
    for what in ["the ChatGPT backend", "the model provider", "the issuer"] {
        report.has(
            "network.reach",
            "ok",
            &format!("{what}, http://127.0.0.1"),
            "",
        );
    }
    report.has("clock.server", "ok", "this machine's clock is ", "");
}

#[tokio::test]
async fn a_backend_that_does_not_answer_is_named_with_a_command_to_try() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let person = Person::new(&format!(
        "chatgpt_base_url = '{url}'\nopenai_base_url = '{url}'"
    ));
    let environment = [("CODEX_APP_SERVER_LOGIN_ISSUER", url.as_str())];
    let report = person.doctor(&["--network"], &environment).await;
    let mend = format!("curl -sSI {url}");
    report.has("network.reach", "failure", "refused the connection", &mend);
}

/// Answers every request with this head.
async fn answering(head: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let head = head.clone();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(head.as_bytes()).await;
            });
        }
    });
    url
}

#[tokio::test]
async fn clocks_that_differ_and_a_challenge_are_named() {
    let date = SystemTime::now() + Duration::from_secs(7200);
    let url = answering(format!(
        "HTTP/1.1 403 Forbidden\r\ndate: {}\r\ncf-mitigated: challenge\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        httpdate::fmt_http_date(date)
    ))
    .await;
    let person = Person::new(&format!(
        "chatgpt_base_url = '{url}'\nopenai_base_url = '{url}'"
    ));
    let environment = [("CODEX_APP_SERVER_LOGIN_ISSUER", url.as_str())];
    let report = person.doctor(&["--network"], &environment).await;
    report.has("network.reach", "warning", "a challenge for browsers", "");
    report.has(
        "clock.server",
        "failure",
        "s behind that of the servers",
        "timedatectl",
    );
}
