//! Renewal on demand: a recent renewal satisfies later requests, so that a client that asks
//! constantly does not spend a refresh token each time.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use byokey_tests::issuer::{Ask, Issuer, access_token};
use byokey_tests::{Host, Setup};
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
