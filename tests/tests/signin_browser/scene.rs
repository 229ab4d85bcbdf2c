//! Common parts: a server and its issuer, a pending login, and a minimal browser.

use std::time::{Duration, Instant};

use byokey_tests::issuer::Issuer;
use byokey_tests::ports::LoginPorts;
use byokey_tests::{Host, Server, Setup};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

pub(super) struct Scene {
    _ports: LoginPorts,
    pub(super) issuer: Issuer,
    pub(super) server: Server,
    pub(super) host: Host,
}

/// A pending login in the browser.
pub(super) struct Login {
    pub(super) id: Value,
    pub(super) url: Url,
    pub(super) port: u16,
    pub(super) state: String,
}

impl Scene {
    pub(super) async fn start(setup: Setup) -> Self {
        let ports = LoginPorts::take().await;
        let issuer = Issuer::start().await;
        let mut server = issuer.set_up(setup).start();
        let host = Host::initialized(&mut server).await;
        Self {
            _ports: ports,
            issuer,
            server,
            host,
        }
    }

    pub(super) async fn begin(&mut self) -> Login {
        let params = json!({"type": "chatgpt"});
        let started = self.host.request("account/login/start", params).await;
        let started = started.unwrap();
        assert_eq!(started["type"], "chatgpt");
        let url = Url::parse(started["authUrl"].as_str().unwrap()).unwrap();
        let redirect = Url::parse(&query(&url, "redirect_uri").unwrap()).unwrap();
        Login {
            id: started["loginId"].clone(),
            port: redirect.port().unwrap(),
            state: query(&url, "state").unwrap(),
            url,
        }
    }

    pub(super) async fn completed(&mut self) -> Value {
        self.host.notification("account/login/completed").await
    }

    pub(super) async fn account(&mut self) -> Value {
        let read = self.host.request("account/read", json!({})).await;
        read.unwrap()["account"].take()
    }

    pub(super) async fn cancel(&mut self, login: &Login) -> Value {
        let id = json!({"loginId": login.id});
        let cancelled = self.host.request("account/login/cancel", id).await;
        cancelled.unwrap()["status"].take()
    }
}

impl Login {
    /// Returns the redirect with a code.
    pub(super) fn back(&self) -> String {
        format!("/auth/callback?code=code-made-up&state={}", self.state)
    }

    pub(super) async fn get(&self, target: &str) -> String {
        get(self.port, target).await
    }
}

pub(super) fn query(url: &Url, name: &str) -> Option<String> {
    let mut pairs = url.query_pairs();
    pairs
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

pub(super) async fn get(port: u16, target: &str) -> String {
    let head = format!("GET {target} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n");
    say(port, &head).await
}

/// Sends this to the callback server and returns its whole response.
pub(super) async fn say(port: u16, text: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let read = tokio::time::timeout(byokey_tests::PATIENCE, read).await;
    // A server that refuses may close before it has read everything.
    drop(read.expect("an answer in time"));
    String::from_utf8(answer).unwrap()
}

pub(super) fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("closed")
}

/// Checks that the port is closed within 100 ms after the end of the login.
pub(super) async fn assert_closed(port: u16) {
    let since = Instant::now();
    while LoginPorts::is_open(port) {
        assert!(since.elapsed() < Duration::from_millis(100), "still open");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
