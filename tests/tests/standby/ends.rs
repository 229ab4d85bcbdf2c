//! What ends one, and the tickets with it.

use byokey_tests::tls::Http;
use serde_json::json;

use super::{Certified, HTTPS, limits, login, opened, until};

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
