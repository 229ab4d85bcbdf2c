//! A pending or starting login and its successors: the end of the old one is reported before the
//! success of the new, and no old one is installed.

use std::time::Duration;

use byokey_dev_backend::TestToken;
use byokey_tests::issuer::{Ask, Issuer, refresh_token};
use byokey_tests::ports::LoginPorts;
use byokey_tests::{Host, PATIENCE, Server, Setup};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const START: &str = "account/login/start";

async fn start() -> (Issuer, Server, Host) {
    let issuer = Issuer::start().await;
    let mut server = issuer.set_up(Setup::default()).start();
    let host = Host::initialized(&mut server).await;
    (issuer, server, host)
}

fn tokens() -> Value {
    let token = TestToken::new("ada").encode();
    json!({"type": "chatgptAuthTokens", "accessToken": token, "chatgptAccountId": "account-ada"})
}

/// Returns the logins that replace a pending one, each complete with its response.
fn complete_logins() -> [Value; 2] {
    [tokens(), json!({"type": "apiKey", "apiKey": "sk-made-up"})]
}

#[tokio::test]
async fn the_old_login_fails_before_the_new_one_succeeds() {
    let _ports = LoginPorts::take().await;
    for waiting in ["chatgpt", "chatgptDeviceCode"] {
        for new in complete_logins() {
            let (issuer, _server, mut host) = start().await;
            let _silent = issuer.hold(Ask::DevicePoll);
            let old = host.request(START, json!({"type": waiting})).await.unwrap();
            host.request(START, new).await.unwrap();
            let failed = host.notification("account/login/completed").await;
            assert_eq!(failed["loginId"], old["loginId"]);
            assert_eq!(failed["success"], false);
            let error = failed["error"].as_str().unwrap();
            assert!(error.ends_with("Login was not completed"), "{error}");
            let made = host.notification("account/login/completed").await;
            let expected = json!({"loginId": null, "success": true, "error": null});
            assert_eq!(made, expected);
            host.notification("account/updated").await;
            // The old one is reported once.
            let rest = host.quiet_for(Duration::from_millis(100)).await;
            assert_eq!(rest, Vec::<Value>::new(), "{waiting}");
        }
    }
}

#[tokio::test]
async fn what_arrives_while_a_login_is_being_started_ends_it() {
    let logout = ("account/logout", json!({}));
    let others = complete_logins().map(|login| (START, login));
    for (method, params) in others.into_iter().chain([logout]) {
        let (issuer, _server, mut host) = start().await;
        let gate = issuer.hold(Ask::UserCode);
        let device = json!({"type": "chatgptDeviceCode"});
        let starting = host.start(START, device).await;
        issuer.wait_for(Ask::UserCode, 1).await;
        host.request(method, params).await.unwrap();
        let refused = host.answer(starting).await.unwrap_err();
        assert_eq!(refused.kind(), "loginFailed", "{refused:?}");
        let before = host.request("account/read", json!({})).await.unwrap();
        gate.add_permits(1);
        host.quiet_for(Duration::from_millis(100)).await;
        assert!(issuer.asked(Ask::DevicePoll).is_empty(), "it goes on");
        let after = host.request("account/read", json!({})).await.unwrap();
        assert_eq!(before, after);
    }
}

/// A browser login is being started as long as it waits for its port.
#[tokio::test]
async fn what_arrives_while_a_browser_login_waits_for_its_port_ends_it() {
    let _ports = LoginPorts::take().await;
    let logout = ("account/logout", json!({}));
    let others = complete_logins().map(|login| (START, login));
    for (method, params) in others.into_iter().chain([logout]) {
        let mut held = Vec::new();
        for port in [1455, 1457] {
            held.push(TcpListener::bind(("127.0.0.1", port)).await.unwrap());
        }
        let (_issuer, _server, mut host) = start().await;
        let starting = host.start(START, json!({"type": "chatgpt"})).await;
        // Its owner is asked for the port, and neither answers nor leaves.
        let asked = tokio::time::timeout(PATIENCE, held[0].accept()).await;
        let _stream = asked.unwrap().unwrap();
        host.request(method, params).await.unwrap();
        let refused = host.answer(starting).await.unwrap_err();
        assert_eq!(refused.kind(), "loginFailed", "{refused:?}");
        let before = host.request("account/read", json!({})).await.unwrap();
        drop(held);
        // As long as it would have tried the first port.
        for _ in 0..25 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let is_open = LoginPorts::is_open(1455) || LoginPorts::is_open(1457);
            assert!(!is_open, "it goes on");
        }
        let seen = host.quiet_for(Duration::from_millis(100)).await;
        let ends = |it: &&Value| it["method"] == "account/login/completed";
        let mut ends = seen.iter().filter(ends);
        assert!(ends.all(|it| it["params"]["loginId"].is_null()), "{seen:?}");
        let after = host.request("account/read", json!({})).await.unwrap();
        assert_eq!(before, after);
    }
}

#[tokio::test]
async fn a_second_login_does_not_wait_for_the_first_to_be_started() {
    let (issuer, _server, mut host) = start().await;
    let gate = issuer.hold(Ask::UserCode);
    let device = json!({"type": "chatgptDeviceCode"});
    let first = host.start(START, device.clone()).await;
    issuer.wait_for(Ask::UserCode, 1).await;
    let second = host.start(START, device).await;
    assert_eq!(host.answer(first).await.unwrap_err().kind(), "loginFailed");
    gate.add_permits(2);
    host.answer(second).await.unwrap();
    let completed = host.notification("account/login/completed").await;
    assert_eq!(completed["success"], true);
}

#[tokio::test]
async fn a_cancelled_login_does_not_come_into_force() {
    let (issuer, _server, mut host) = start().await;
    let gate = issuer.hold(Ask::Code);
    let device = json!({"type": "chatgptDeviceCode"});
    let login = host.request(START, device).await.unwrap();
    issuer.wait_for(Ask::Code, 1).await;
    let cancel = json!({"loginId": login["loginId"]});
    let cancelled = host.request("account/login/cancel", cancel).await.unwrap();
    assert_eq!(cancelled["status"], "canceled");
    gate.add_permits(1);
    let completed = host.notification("account/login/completed").await;
    assert_eq!(completed["success"], false);
    host.quiet_for(Duration::from_millis(100)).await;
    let read = host.request("account/read", json!({})).await.unwrap();
    assert_eq!(read["account"], Value::Null);
}

#[tokio::test]
async fn a_logout_during_a_renewal_revokes_the_successor_too() {
    for revoke in [true, false] {
        let (issuer, _server, mut host) = start().await;
        let device = json!({"type": "chatgptDeviceCode"});
        host.request(START, device).await.unwrap();
        host.notification("account/updated").await;
        let gate = issuer.hold(Ask::Refresh);
        let read = host
            .start("account/read", json!({"refreshToken": true}))
            .await;
        issuer.wait_for(Ask::Refresh, 1).await;
        let logout = json!({"revoke": revoke});
        host.request("account/logout", logout).await.unwrap();
        assert_eq!(host.answer(read).await.unwrap()["account"], Value::Null);
        gate.add_permits(1);
        if revoke {
            issuer.wait_for(Ask::Revoke, 2).await;
        } else {
            host.quiet_for(Duration::from_millis(200)).await;
        }
        let revoked = issuer.asked(Ask::Revoke).into_iter();
        let mut revoked: Vec<_> = revoked.map(|asked| asked.body["token"].clone()).collect();
        revoked.sort_by_key(Value::to_string);
        let both = vec![json!(refresh_token(1)), json!(refresh_token(2))];
        assert_eq!(revoked, if revoke { both } else { Vec::new() });
        let read = host.request("account/read", json!({})).await.unwrap();
        assert_eq!(read["account"], Value::Null);
    }
}

#[tokio::test]
async fn a_login_that_memory_alone_held_is_revoked_with_what_a_renewal_brings_late() {
    let (issuer, _server, mut host) = start().await;
    let device = json!({"type": "chatgptDeviceCode"});
    host.request(START, device).await.unwrap();
    host.notification("account/updated").await;
    let gate = issuer.hold(Ask::Refresh);
    let read = host
        .start("account/read", json!({"refreshToken": true}))
        .await;
    issuer.wait_for(Ask::Refresh, 1).await;
    host.request(START, tokens()).await.unwrap();
    host.answer(read).await.unwrap();
    gate.add_permits(1);
    issuer.wait_for(Ask::Revoke, 2).await;
    let revoked = issuer.asked(Ask::Revoke);
    assert!(
        revoked
            .iter()
            .any(|asked| asked.body["token"] == refresh_token(2))
    );
}
