//! One that waits: it costs nothing, and ends.

use std::sync::Arc;
use std::time::Duration;

use byokey_dev_backend::Route;
use byokey_http::{HttpClient, Occasion, Request, RootSettings, Sensitivity, Settings};
use byokey_tests::ProcessStatus;
use byokey_tests::tls::Http;
use url::Url;

use super::{Certified, HTTPS, opened, until};

/// Longer than the usual interval of pings, and of the keep-alive of TCP.
const QUIET: Duration = Duration::from_secs(17);

async fn nothing_wakes(http: Http) {
    let certified = Certified::new(http);
    let backend = certified.backend();
    let (server, _host) = certified.signed_in(&backend.base_url()).await;
    opened(&backend, 1).await;
    // What the server sends after the handshake comes in the first of these times at most.
    let quiet = async {
        let mut before = ProcessStatus::of(server.pid()).sleeps;
        loop {
            tokio::time::sleep(QUIET).await;
            let after = ProcessStatus::of(server.pid()).sleeps;
            if after == before {
                return;
            }
            before = after;
        }
    };
    let quiet = tokio::time::timeout(3 * QUIET, quiet).await;
    quiet.unwrap_or_else(|_| panic!("{http:?}: never {QUIET:?} without a wake-up"));
    assert_eq!(backend.connections().open, 1, "it still waits");
}

#[tokio::test]
async fn while_it_waits_nothing_wakes() {
    nothing_wakes(Http::One).await;
}

#[tokio::test]
async fn while_it_waits_over_http_2_nothing_wakes() {
    nothing_wakes(Http::Two).await;
}

pub(super) fn client(certified: &Certified, lifetime: Duration) -> Arc<HttpClient> {
    let path = certified.path();
    let client = HttpClient::new(Settings {
        roots: RootSettings::read(|name| (name == "CODEX_CA_CERTIFICATE").then(|| path.into())),
        standby: Some(lifetime),
        ..Settings::default()
    });
    client.signed_in();
    Arc::new(client)
}

pub(super) fn usage(client: &HttpClient, base: &str) -> Request {
    let url = format!("{base}/backend-api/wham/usage");
    let bearer = "Bearer made-up".parse().unwrap();
    Request {
        method: "GET".parse().unwrap(),
        url: Url::parse(&url).unwrap(),
        headers: [(hyper::header::AUTHORIZATION, bearer)]
            .into_iter()
            .collect(),
        body: None,
        sensitivity: Sensitivity::Login,
        era: Some(client.era()),
    }
}

#[tokio::test]
async fn it_ends_when_no_call_came_and_the_origin_rests_after_two() {
    let certified = Certified::new(Http::One);
    let backend = certified.backend();
    let client = client(&certified, Duration::from_millis(300));
    let url = Url::parse(&backend.base_url()).unwrap();
    for handshakes in 1..=2 {
        client.open_standby(&url, client.era(), Occasion::Login);
        until(&backend, "its life", |it| {
            it.handshakes == handshakes && it.open == 0
        })
        .await;
    }
    // A rest: neither a login nor a call opens one.
    tokio::time::sleep(Duration::from_millis(50)).await;
    client.open_standby(&url, client.era(), Occasion::Login);
    client.forget();
    client.signed_in();
    client.open_standby(&url, client.era(), Occasion::Turn);
    let response = client
        .send(usage(&client, &backend.base_url()))
        .await
        .unwrap();
    assert!(response.status().is_success());
    drop(response);
    until(&backend, "the call", |it| it.open == 0).await;
    assert_eq!(backend.connections().accepted, 3, "that of the call");
}

#[tokio::test]
async fn what_an_earlier_login_asked_for_is_not_opened() {
    let certified = Certified::new(Http::One);
    let backend = certified.backend();
    let client = client(&certified, Duration::from_secs(60));
    let url = Url::parse(&backend.base_url()).unwrap();
    let era = client.era();
    client.forget();
    client.open_standby(&url, client.era(), Occasion::Turn);
    client.signed_in();
    client.open_standby(&url, era, Occasion::Turn);
    client
        .send(usage(&client, &backend.base_url()))
        .await
        .unwrap();
    assert_eq!(backend.count(Route::Usage), 1);
    assert_eq!(backend.connections().accepted, 1, "that of the call");
}

#[tokio::test]
async fn after_a_call_there_is_one_only_if_the_last_was_used() {
    let certified = Certified::new(Http::One);
    let backend = certified.backend();
    let url = Url::parse(&backend.base_url()).unwrap();
    let short = client(&certified, Duration::from_millis(300));
    short.open_standby(&url, short.era(), Occasion::Login);
    until(&backend, "its life", |it| {
        it.handshakes == 1 && it.open == 0
    })
    .await;
    short.open_standby(&url, short.era(), Occasion::Call);
    let base = backend.base_url();
    short.send(usage(&short, &base)).await.unwrap();
    assert_eq!(backend.connections().accepted, 2, "that of the call");

    let long = client(&certified, Duration::from_secs(60));
    long.open_standby(&url, long.era(), Occasion::Login);
    opened(&backend, 3).await;
    long.send(usage(&long, &base)).await.unwrap();
    long.open_standby(&url, long.era(), Occasion::Call);
    opened(&backend, 4).await;
    assert_eq!(backend.connections().accepted, 4);
}

// Row: the clock jumps
#[tokio::test]
async fn a_call_after_a_jump_of_the_clock_opens_its_own() {
    let certified = Certified::new(Http::One);
    let backend = certified.backend();
    let client = client(&certified, Duration::from_secs(60));
    let url = Url::parse(&backend.base_url()).unwrap();
    client.open_standby(&url, client.era(), Occasion::Login);
    opened(&backend, 1).await;
    // The monotonic clock alone: the wall clock was set back by as much.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(30)).await;
    tokio::time::resume();
    client
        .send(usage(&client, &backend.base_url()))
        .await
        .unwrap();
    assert_eq!(backend.connections().accepted, 2);
}

#[tokio::test]
async fn a_request_on_it_is_like_any_other() {
    for http in HTTPS {
        let certified = Certified::new(http);
        let backend = certified.backend();
        let client = client(&certified, Duration::from_secs(60));
        let mut request = usage(&client, &backend.base_url());
        request.url.set_query(Some("a=b%20c"));
        client.send(request).await.unwrap();
        let url = Url::parse(&backend.base_url()).unwrap();
        client.open_standby(&url, client.era(), Occasion::Login);
        opened(&backend, 2).await;
        let mut request = usage(&client, &backend.base_url());
        request.url.set_query(Some("a=b%20c"));
        client.send(request).await.unwrap();
        assert_eq!(backend.connections().accepted, 2, "{http:?}");
        let [own, standby] = &backend.requests()[..] else {
            panic!("two requests");
        };
        assert_eq!(own.headers, standby.headers, "{http:?}");
        assert_eq!(own.path, standby.path, "{http:?}");
    }
}
