//! Renewal on demand: a recent renewal satisfies later requests, so that a client that asks
//! constantly does not spend a refresh token each time.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use byokey_tests::issuer::{Ask, Issuer, access_token};
use byokey_tests::{Clocks, Host, Setup};
use serde_json::json;

/// Logs in on another device.
async fn signed_in(host: &mut Host) {
    let params = json!({"type": "chatgptDeviceCode"});
    host.request("account/login/start", params).await.unwrap();
    host.notification("account/updated").await;
}

#[tokio::test]
async fn two_hundred_requests_spend_one_token() {
    let issuer = Issuer::start().await;
    let mut server = issuer.set_up(Setup::default()).start();
    let mut host = Host::initialized(&mut server).await;
    signed_in(&mut host).await;
    let ask = json!({"includeToken": true, "refreshToken": true});
    let mut ids = Vec::new();
    for number in 0..200 {
        let id = if number % 2 == 0 {
            host.start("getAuthStatus", ask.clone()).await
        } else {
            host.start("account/read", json!({"refreshToken": true}))
                .await
        };
        ids.push(id);
        // Some arrive during the renewal, the others after it.
        if number == 100 {
            issuer.wait_for(Ask::Refresh, 1).await;
            host.request("account/read", json!({"refreshToken": true}))
                .await
                .unwrap();
        }
    }
    for id in ids {
        host.answer(id).await.unwrap();
    }
    let status = host.request("getAuthStatus", ask).await.unwrap();
    assert_eq!(status["authToken"], access_token(2));
    assert_eq!(issuer.asked(Ask::Refresh).len(), 1);
}

#[tokio::test]
async fn a_renewal_that_is_older_than_half_a_minute_is_not_recent() {
    if Clocks::are_missing() {
        return;
    }
    let issuer = Issuer::start().await;
    let setup = issuer.set_up(Setup::default().argument("--allow-debug"));
    let mut server = setup.start();
    let mut host = Host::initialized(&mut server).await;
    signed_in(&mut host).await;
    let ask = json!({"includeToken": true, "refreshToken": true});
    let status = host.request("getAuthStatus", ask.clone()).await.unwrap();
    assert_eq!(status["authToken"], access_token(2));
    let clocks = Clocks::of(server.pid());
    // The real time goes on meanwhile, so the test keeps away from the 30 s. Each offset counts
    // from the real time.
    for (ahead, expected) in [(15, 2), (31, 3), (46, 3), (62, 4)] {
        clocks.move_ahead(Duration::from_secs(ahead));
        let status = host.request("getAuthStatus", ask.clone()).await.unwrap();
        assert_eq!(status["authToken"], access_token(expected), "{ahead} s");
        assert_eq!(issuer.asked(Ask::Refresh).len() as u64, expected - 1);
    }
}
