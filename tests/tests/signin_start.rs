//! A slow login at startup: clients are answered meanwhile, and only requests that need the login
//! wait for it.

use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use byokey_dev_backend::{DevBackend, Options, TestToken};
use byokey_tests::issuer::{Ask, Issuer};
use byokey_tests::{Host, Server, Setup};
use serde_json::{Value, json};

/// How long to wait for an unexpected message. It would arrive within a few milliseconds.
const QUIET: Duration = Duration::from_millis(300);

/// Starts a server whose environment token is not confirmed by the issuer yet.
async fn slow(issuer: &Issuer, backend: &DevBackend) -> (Server, Host) {
    let setup = Setup::default()
        .backend(backend)
        .environment("CODEX_ACCESS_TOKEN", "at-made-up-personal-access-token");
    let mut server = issuer.set_up(setup).start();
    let host = Host::initialized(&mut server).await;
    issuer.wait_for(Ask::Whoami, 1).await;
    (server, host)
}

// Row: what was there before the start
#[tokio::test]
async fn only_requests_that_need_the_login_wait_for_it() {
    let (issuer, backend) = (
        Issuer::start().await,
        DevBackend::start(Options::new()).unwrap(),
    );
    let gate = issuer.hold(Ask::Whoami);
    let (_server, mut host) = slow(&issuer, &backend).await;
    let config = host.request("config/read", json!({})).await;
    assert!(config.unwrap()["config"].is_object());
    let read = host.start("account/read", json!({})).await;
    let status = host.start("getAuthStatus", json!({})).await;
    let usage = host.start("account/usage/read", json!({})).await;
    let thread = host.start("thread/start", json!({})).await;
    assert_eq!(host.quiet_for(QUIET).await, Vec::<Value>::new());
    gate.add_permits(1);
    let read = host.answer(read).await.unwrap();
    assert_eq!(read["account"]["email"], "ada@example.com");
    let status = host.answer(status).await.unwrap();
    assert_eq!(status["authMethod"], "personalAccessToken");
    host.answer(usage).await.unwrap();
    let thread = host.answer(thread).await.unwrap();
    let input = json!([{"type": "text", "text": "Hello"}]);
    let turn = json!({"threadId": thread["thread"]["id"], "input": input});
    host.request("turn/start", turn).await.unwrap();
    let ended = host.notification("turn/completed").await;
    assert_eq!(ended["turn"]["status"], "completed");
}

// Row: what was there before the start
#[tokio::test]
async fn a_login_or_logout_meanwhile_goes_ahead_and_wins() {
    let (issuer, backend) = (
        Issuer::start().await,
        DevBackend::start(Options::new()).unwrap(),
    );
    for signs_out in [false, true] {
        let gate = issuer.hold(Ask::Whoami);
        let asked = issuer.asked(Ask::Whoami).len();
        let setup = Setup::default()
            .backend(&backend)
            .environment("CODEX_ACCESS_TOKEN", "at-made-up-personal-access-token");
        let mut server = issuer.set_up(setup).start();
        let mut host = Host::initialized(&mut server).await;
        issuer.wait_for(Ask::Whoami, asked + 1).await;
        let read = host.start("account/read", json!({})).await;
        if signs_out {
            host.request("account/logout", json!({})).await.unwrap();
        } else {
            host.login(&TestToken::new("host").encode(), "ws-1").await;
        }
        let expected = if signs_out {
            Value::Null
        } else {
            json!("host@example.com")
        };
        let read = host.answer(read).await.unwrap();
        assert_eq!(read["account"]["email"], expected);
        gate.add_permits(1);
        host.quiet_for(QUIET).await;
        let read = host.request("account/read", json!({})).await.unwrap();
        assert_eq!(read["account"]["email"], expected, "it comes too late");
        assert!(
            !server
                .log()
                .contains("no credential is in force after startup")
        );
    }
}

// Row: what was there before the start
#[tokio::test]
async fn a_keyring_that_never_answers_blocks_only_requests_for_the_login() {
    let folder = tempfile::tempdir().unwrap();
    let bus = folder.path().join("bus");
    // It accepts connections and stays silent.
    let _silent = UnixListener::bind(&bus).unwrap();
    let started = Instant::now();
    let mut server = Setup::default()
        .argument("--store")
        .argument("keyring")
        .environment(
            "DBUS_SESSION_BUS_ADDRESS",
            &format!("unix:path={}", bus.display()),
        )
        .start();
    let mut host = Host::initialized(&mut server).await;
    assert!(started.elapsed() < Duration::from_secs(10));
    let read = host.start("account/read", json!({})).await;
    let config = host.request("config/read", json!({})).await;
    assert!(config.unwrap()["config"].is_object());
    let seen = host.quiet_for(Duration::from_secs(12)).await;
    assert_eq!(seen, Vec::<Value>::new());
    let read = host.answer(read).await.unwrap();
    assert_eq!(read["account"], Value::Null);
    assert!(started.elapsed() > Duration::from_secs(18));
    // The log takes another path than the response.
    let told = async {
        while !server.log().contains("the keyring did not answer in time") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(QUIET * 10, told).await.is_ok());
}
