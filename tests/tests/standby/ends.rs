//! What ends one, and the tickets with it.

use std::time::Duration;

use byokey_dev_backend::{DevBackend, Route};
use byokey_http::{Occasion, Request};
use byokey_tests::tls::Http;
use serde_json::json;
use url::Url;

use super::idle::{client, usage};
use super::{Certified, HTTPS, LIMITS, limits, login, opened, script, until};

#[tokio::test]
async fn a_logout_ends_it_and_the_tickets() {
    for http in HTTPS {
        let certified = Certified::new(http);
        let backend = certified.backend();
        let (_server, mut host) = certified.signed_in(&backend.base_url()).await;
        opened(&backend, 1).await;
        limits(&mut host).await;
        opened(&backend, 2).await;
        host.request("account/logout", json!({})).await.unwrap();
        until(&backend, "a logout", |it| it.open == 0).await;
        host.notification("account/updated").await;
        login(&mut host, "ada").await;
        let after = opened(&backend, 3).await;
        assert_eq!(after.resumed, 1, "{http:?}: the login was gone");
    }
}

#[tokio::test]
async fn another_account_ends_it_and_the_tickets() {
    let certified = Certified::new(Http::One);
    let backend = certified.backend();
    let (_server, mut host) = certified.signed_in(&backend.base_url()).await;
    opened(&backend, 1).await;
    login(&mut host, "eve").await;
    let after = until(&backend, "another account", |it| {
        it.handshakes == 2 && it.open == 1
    })
    .await;
    assert_eq!(after.resumed, 0);
}

#[tokio::test]
async fn another_origin_ends_it_even_if_the_rules_want_none_there() {
    let certified = Certified::new(Http::One);
    let (here, there) = (certified.backend(), certified.backend());
    let client = client(&certified, Duration::from_secs(60));
    let url = |backend: &DevBackend| Url::parse(&backend.base_url()).unwrap();
    client.open_standby(&url(&here), client.era(), Occasion::Login);
    opened(&here, 1).await;
    // None was used there.
    client.open_standby(&url(&there), client.era(), Occasion::Call);
    until(&here, "another origin", |it| it.open == 0).await;
    assert_eq!(there.connections().accepted, 0);
}

#[tokio::test]
async fn a_late_call_of_an_earlier_account_uses_no_ticket_of_the_next() {
    let certified = Certified::new(Http::One);
    let steps = json!([{"status": 500}, {}]);
    let backend = certified.backend_with(script(json!({"routes": {"usage": steps}})));
    let (_server, mut host) = certified.signed_in(&backend.base_url()).await;
    opened(&backend, 1).await;
    let gate = backend.hold(Route::Usage);
    let call = host.start(LIMITS, json!({})).await;
    backend.wait_for(Route::Usage, 1).await;
    login(&mut host, "eve").await;
    opened(&backend, 2).await;
    drop(gate);
    // It is repeated after the 500, on a connection of its own.
    host.answer(call).await.unwrap();
    let after = backend.connections();
    assert_eq!((after.handshakes, after.resumed), (3, 0));
    assert_eq!(backend.count(Route::Usage), 2);
}

#[tokio::test]
async fn a_late_call_of_an_earlier_account_leaves_no_ticket_to_the_next() {
    for http in HTTPS {
        let certified = Certified::new(http);
        let backend = certified.backend();
        let client = client(&certified, Duration::from_secs(60));
        let earlier = client.era();
        client.forget();
        client.signed_in();
        let base = backend.base_url();
        // An earlier account; and the issuer, to which nothing may link two accounts.
        for era in [Some(earlier), None] {
            for _ in 0..2 {
                let usage = usage(&client, &base);
                let response = client.send(Request { era, ..usage }).await.unwrap();
                response.bytes().await.unwrap();
            }
        }
        for resumed in 0..2 {
            let response = client.send(usage(&client, &base)).await.unwrap();
            response.bytes().await.unwrap();
            let after = backend.connections();
            assert_eq!(after.resumed, resumed, "{http:?}: {after:?}");
        }
    }
}

#[tokio::test]
async fn new_tokens_of_the_same_account_keep_it() {
    let certified = Certified::new(Http::One);
    let backend = certified.backend();
    let (_server, mut host) = certified.signed_in(&backend.base_url()).await;
    opened(&backend, 1).await;
    login(&mut host, "ada").await;
    limits(&mut host).await;
    let after = until(&backend, "the call's own successor", |it| {
        it.handshakes == 2 && it.open == 1
    })
    .await;
    assert_eq!(after.accepted, 2, "the second login opened one more");
}

#[tokio::test]
async fn the_end_of_the_program_waits_for_none() {
    let certified = Certified::new(Http::One);
    let backend = certified.backend();
    let (mut server, mut host) = certified.signed_in(&backend.base_url()).await;
    opened(&backend, 1).await;
    host.close_input();
    assert_eq!(server.exit_code().await, Some(0));
    until(&backend, "the end", |it| it.open == 0).await;
}
