//! A connection that is opened ahead goes through the same proxy as any other, in the same words.

use std::time::Duration;

use byokey_dev_backend::{DevBackend, Route, TestToken};
use byokey_tests::server::mock_provider;
use byokey_tests::{Host, PATIENCE, Server, Setup};
use serde_json::json;

use super::authority::Authority;
use super::proxy::Proxy;
use super::relay::{Direction, Tunnels};
use super::socks::Socks;
use super::{NAME, PemFile, elsewhere, limits_at};

const LIMITS: &str = "account/rateLimits/read";

/// A signed-in program that reaches the backend through this proxy.
async fn signed_in(backend: &DevBackend, file: &PemFile, proxy: &str) -> (Server, Host) {
    let mut server = Setup::default()
        .config(&mock_provider(&elsewhere(backend, NAME)))
        .environment("CODEX_CA_CERTIFICATE", &file.path())
        .environment("ALL_PROXY", proxy)
        .start();
    let mut host = Host::initialized(&mut server).await;
    host.login(&TestToken::new("ada").encode(), "ws-1").await;
    (server, host)
}

/// Waits until the first tunnel is opened, and the server has nothing more to say in it.
async fn opened(backend: &DevBackend, tunnels: &Tunnels) -> Vec<Direction> {
    let opened = async {
        loop {
            // The server's tickets come behind the handshake.
            let is_done = backend.connections().handshakes == 1;
            let passed = tunnels.of(0);
            if is_done && passed.last() == Some(&Direction::Back) {
                return passed;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let opened = tokio::time::timeout(PATIENCE, opened).await;
    opened.unwrap_or_else(|_| panic!("{:?}", tunnels.of(0)))
}

/// Makes a call. It goes through the tunnel that is open, and takes one round trip.
async fn call(host: &mut Host, backend: &DevBackend, tunnels: &Tunnels) {
    let mut passed = opened(backend, tunnels).await;
    assert_eq!(backend.count(Route::Usage), 0);
    let gate = backend.hold(Route::Usage);
    let call = host.start(LIMITS, json!({})).await;
    backend.wait_for(Route::Usage, 1).await;
    passed.push(Direction::There);
    assert_eq!(tunnels.of(0), passed, "it took more than one way there");
    assert_eq!(tunnels.count(), 1, "it has a tunnel of its own");
    drop(gate);
    host.answer(call).await.unwrap();
    passed.push(Direction::Back);
    assert!(tunnels.of(0).starts_with(&passed));
}

#[tokio::test]
async fn one_behind_an_http_proxy_is_asked_for_like_any_tunnel() {
    let authority = Authority::new("one");
    let (backend, file) = (
        authority.backend_of_http_1(),
        PemFile::new(&authority.pem()),
    );
    let proxy = Proxy::start().await;
    let url = proxy.url().replace("http://", "http://ada:p%40ss@");
    let (_server, mut host) = signed_in(&backend, &file, &url).await;
    call(&mut host, &backend, &proxy.tunnels).await;
    let ahead = proxy.asked().remove(0);
    let head = ahead.to_ascii_lowercase();
    // ada:p@ss
    assert!(
        head.contains("proxy-authorization: basic ywrhonbac3m="),
        "{head}"
    );
    assert!(
        !head.contains("bearer") && !head.contains("account-id"),
        "{head}"
    );

    let other = Proxy::start().await;
    let url = other.url().replace("http://", "http://ada:p%40ss@");
    let environment = [("CODEX_CA_CERTIFICATE", &*file.path()), ("ALL_PROXY", &url)];
    let read = limits_at(&elsewhere(&backend, NAME), &environment).await;
    read.unwrap();
    assert_eq!(other.asked(), [ahead], "that of a call is another one");
}

#[tokio::test]
async fn one_behind_a_socks_proxy_is_asked_for_like_any_tunnel() {
    let authority = Authority::new("one");
    let (backend, file) = (
        authority.backend_of_http_1(),
        PemFile::new(&authority.pem()),
    );
    let socks = Socks::start().await;
    let url = socks.url("socks5h").replace("://", "://ada:p%40ss@");
    let (_server, mut host) = signed_in(&backend, &file, &url).await;
    call(&mut host, &backend, &socks.tunnels).await;
    assert_eq!(socks.asked()[0], format!("ada:p@ss:{NAME}"));
}
