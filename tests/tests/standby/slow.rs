//! Servers that take long to answer.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use byokey_http::{HttpClient, Occasion, Request};
use byokey_tests::tls::Http;
use url::Url;

use super::Certified;
use super::idle::{client, usage};
use super::raw::{Deed, Raw, answer, read_request};

/// Longer than a call waits on a standby connection.
const SLOW: Duration = Duration::from_millis(4_500);
const LIFE: Duration = Duration::from_secs(60);

/// Opens one, and waits until a call can take it.
pub(super) async fn open(client: &Arc<HttpClient>, server: &Raw, number: usize) {
    let url = Url::parse(&server.url).unwrap();
    client.open_standby(&url, client.era(), Occasion::Login);
    tokio::task::block_in_place(|| server.secured(number));
    // The server has finished the handshake; this side may have to read the end of it.
    tokio::time::sleep(Duration::from_millis(500)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_get_that_is_not_answered_is_sent_exactly_twice() {
    let certified = Certified::new(Http::One);
    let server = Raw::start(&certified.config, |number, stream| {
        let mut requests = 0;
        while read_request(stream) {
            requests += 1;
            if number > 1 {
                answer(stream, "200 OK");
            }
        }
        requests
    });
    let client = client(&certified, LIFE);
    open(&client, &server, 1).await;
    let response = client.send(usage(&client, &server.url)).await.unwrap();
    assert!(response.status().is_success());
    drop(response);
    assert_eq!(server.requests_on(1), 1);
    assert_eq!(server.requests_on(2), 1);
    assert!(server.requests_on_others().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_is_answered_late_is_sent_once() {
    let certified = Certified::new(Http::One);
    let server = Raw::start(&certified.config, |_, stream| {
        let mut requests = 0;
        while read_request(stream) {
            requests += 1;
            thread::sleep(SLOW);
            answer(stream, "200 OK");
        }
        requests
    });
    let client = client(&certified, LIFE);
    open(&client, &server, 1).await;
    let request = Request {
        method: "POST".parse().unwrap(),
        ..usage(&client, &server.url)
    };
    let response = client.send(request).await.unwrap();
    assert!(response.status().is_success());
    drop(response);
    assert_eq!(server.requests_on(1), 1);
    assert!(server.requests_on_others().is_empty());
}

/// Makes two calls on standby connections of this server, each of which is repeated. Returns
/// whether the next login opens another one.
async fn opens_after_two(deed: Deed) -> bool {
    let certified = Certified::new(Http::One);
    let server = Raw::start(&certified.config, deed);
    let client = client(&certified, LIFE);
    for number in [1, 3] {
        open(&client, &server, number).await;
        client.send(usage(&client, &server.url)).await.unwrap();
        // That of the repetition.
        server.secured(number + 1);
    }
    let url = Url::parse(&server.url).unwrap();
    client.open_standby(&url, client.era(), Occasion::Login);
    let within = Duration::from_secs(2);
    tokio::task::block_in_place(|| server.secured_within(within).is_some())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_only_a_repetition_answered_count_as_dead() {
    let is_opened = opens_after_two(|number, stream| {
        while read_request(stream) {
            if number.is_multiple_of(2) {
                answer(stream, "200 OK");
            }
        }
        0
    })
    .await;
    assert!(!is_opened, "the origin does not rest");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_a_slow_server_do_not_count_as_dead() {
    let is_opened = opens_after_two(|_, stream| {
        while read_request(stream) {
            thread::sleep(SLOW);
            answer(stream, "200 OK");
        }
        0
    })
    .await;
    assert!(is_opened, "the origin rests");
}
