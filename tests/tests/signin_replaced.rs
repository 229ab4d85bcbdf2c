//! A replaced login is revoked, wherever it was stored and whatever replaces it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use byokey_dev_backend::TestToken;
use byokey_tests::command::run;
use byokey_tests::issuer::{Ask, Issuer};
use byokey_tests::{Home, Host, Setup};
use serde_json::{Value, json};

/// Logs in on another device.
async fn sign_in(host: &mut Host) {
    let params = json!({"type": "chatgptDeviceCode"});
    host.request("account/login/start", params).await.unwrap();
    host.notification("account/updated").await;
}

async fn replace(host: &mut Host, params: Value) {
    host.request("account/login/start", params).await.unwrap();
    host.notification("account/updated").await;
}

/// Returns the revoked tokens.
fn given_back(issuer: &Issuer) -> Vec<Value> {
    let asked = issuer.asked(Ask::Revoke);
    asked
        .into_iter()
        .map(|mut it| it.body["token"].take())
        .collect()
}

// Row: signing out
#[tokio::test]
async fn over_the_protocol_with_and_without_a_store() {
    for store in ["ephemeral", "file"] {
        let issuer = Issuer::start().await;
        let setup = Setup::default().environment("BYOKEY_STORE", store);
        let mut server = issuer.set_up(setup).start();
        let mut host = Host::initialized(&mut server).await;
        sign_in(&mut host).await;
        replace(&mut host, json!({"type": "apiKey", "apiKey": "sk-made-up"})).await;
        issuer.wait_for(Ask::Revoke, 1).await;
        sign_in(&mut host).await;
        replace(
            &mut host,
            json!({"type": "personalAccessToken", "accessToken": "at-made-up-token"}),
        )
        .await;
        issuer.wait_for(Ask::Revoke, 2).await;
        sign_in(&mut host).await;
        sign_in(&mut host).await;
        issuer.wait_for(Ask::Revoke, 3).await;
        let expected = ["rt-made-up-1", "rt-made-up-2", "rt-made-up-3"];
        assert_eq!(given_back(&issuer), expected, "{store}");

        // A stored login remains under the host's tokens.
        host.login(&TestToken::new("host").encode(), "ws-1").await;
        if store == "file" {
            host.quiet_for(Duration::from_millis(300)).await;
            assert_eq!(given_back(&issuer).len(), 3);
        } else {
            issuer.wait_for(Ask::Revoke, 4).await;
            assert_eq!(given_back(&issuer)[3], "rt-made-up-4");
        }
    }
}

#[tokio::test]
async fn on_the_command_line_before_it_ends() {
    let home = Home::new("[byokey]\nstore = \"file\"");
    let issuer = Issuer::start().await;
    let url = issuer.url();
    let environment = [("CODEX_APP_SERVER_LOGIN_ISSUER", url.as_str())];
    let ways = [
        ("--device-auth", ""),
        ("--device-auth", ""),
        ("--with-api-key", "sk-made-up"),
        ("--device-auth", ""),
        ("--with-access-token", "at-made-up-token"),
    ];
    for (way, input) in ways {
        let ended = run(&home, &["login", way], &environment, input).await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
    let expected = ["rt-made-up-1", "rt-made-up-2", "rt-made-up-3"];
    assert_eq!(given_back(&issuer), expected);
    // A refusal of the issuer is not reported as a failure.
    run(&home, &["login", "--device-auth"], &environment, "").await;
    issuer.next(Ask::Revoke, 500, json!({}));
    let ended = run(
        &home,
        &["login", "--with-api-key"],
        &environment,
        "sk-made-up",
    )
    .await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(given_back(&issuer).len(), 4);
}
