//! Servers that close it, speak before their turn, or break off.

use byokey_dev_backend::Route;
use byokey_tests::tls::Http;
use byokey_tests::turns::{MODEL, turn};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::raw::{Raw, answer, read_request};
use super::{Certified, HTTPS, LIMITS, limits, opened, script, until};

#[tokio::test]
async fn a_call_that_finds_it_dead_opens_its_own() {
    for http in HTTPS {
        let certified = Certified::new(http);
        let first = certified.backend();
        let (url, port) = (first.base_url(), first.addr().port());
        let (_server, mut host) = certified.signed_in(&url).await;
        opened(&first, 1).await;
        first.shutdown();
        let second = certified.backend_at(port).await;
        assert_eq!(turn(&mut host).await["status"], "completed", "{http:?}");
        limits(&mut host).await;
        assert_eq!(second.count(Route::Responses), 1, "{http:?}");
    }
}

/// The program stands still while the server ends and the request comes, so it learns of both at
/// once.
#[tokio::test]
async fn one_whose_end_was_not_read_yet_is_found_dead() {
    for http in HTTPS {
        let certified = Certified::new(http);
        let first = certified.backend();
        let (url, port) = (first.base_url(), first.addr().port());
        let (server, mut host) = certified.signed_in(&url).await;
        let thread = host.request("thread/start", json!({"model": MODEL})).await;
        opened(&first, 1).await;
        let process = Pid::from_raw(i32::try_from(server.pid()).unwrap()).unwrap();
        kill_process(process, Signal::STOP).unwrap();
        first.shutdown();
        let second = certified.backend_at(port).await;
        let input = json!([{"type": "text", "text": "Hello"}]);
        let params = json!({"threadId": thread.unwrap()["thread"]["id"], "input": input});
        host.start("turn/start", params).await;
        kill_process(process, Signal::CONT).unwrap();
        let ended = host.notification("turn/completed").await;
        assert_eq!(ended["turn"]["status"], "completed", "{http:?}");
        assert_eq!(second.count(Route::Responses), 1, "{http:?}");
    }
}

#[tokio::test]
async fn a_408_on_it_is_repeated_once_on_a_connection_of_its_own() {
    for http in HTTPS {
        let certified = Certified::new(http);
        let steps = json!([{"status": 408}, {"text": ["Hello"]}, {"status": 408}, {"status": 408}]);
        let backend = certified.backend_with(script(json!({"routes": {"responses": steps}})));
        let (_server, mut host) = certified.signed_in(&backend.base_url()).await;
        opened(&backend, 1).await;
        assert_eq!(turn(&mut host).await["status"], "completed", "{http:?}");
        assert_eq!(backend.count(Route::Responses), 2, "{http:?}");
        opened(&backend, 3).await;
        assert_eq!(turn(&mut host).await["status"], "failed", "{http:?}");
        assert_eq!(backend.count(Route::Responses), 4, "{http:?}: once");
    }
}

#[tokio::test]
async fn one_on_which_the_server_spoke_first_is_thrown_away() {
    let certified = Certified::new(Http::One);
    let server = Raw::start(&certified.config, |number, stream| {
        if number == 1 {
            // An answer to whatever comes next.
            answer(stream, "200 OK");
        }
        let is_request = read_request(stream);
        if is_request {
            answer(stream, "503 Service Unavailable");
        }
        usize::from(is_request)
    });
    let (_server, mut host) = certified.signed_in(&server.url).await;
    assert_eq!(server.requests_on(1), 0, "it was thrown away at once");
    host.request(LIMITS, json!({})).await.unwrap_err();
}

#[tokio::test]
async fn a_request_that_may_have_been_processed_is_not_sent_again() {
    let certified = Certified::new(Http::One);
    let server = Raw::start(&certified.config, |number, stream| {
        let is_request = read_request(stream);
        if number > 1 && is_request {
            answer(stream, "200 OK");
        }
        usize::from(is_request)
    });
    let (_server, mut host) = certified.signed_in(&server.url).await;
    server.secured(1);
    assert_eq!(turn(&mut host).await["status"], "failed");
    assert_eq!(
        server.requests_on(1),
        1,
        "it arrived, and nothing came back"
    );
    let others = server.requests_on_others().into_iter().sum::<usize>();
    assert_eq!(others, 0, "it was sent again");
}

#[tokio::test]
async fn a_server_that_breaks_off_the_opening_is_asked_all_the_same() {
    let certified = Certified::new(Http::One);
    let server = Raw::start(&certified.config, |number, stream| {
        if number == 1 {
            return 0;
        }
        let is_request = read_request(stream);
        answer(stream, "200 OK");
        usize::from(is_request)
    });
    let (_server, mut host) = certified.signed_in(&server.url).await;
    assert_eq!(server.requests_on(1), 0);
    // What this server answers is of no use.
    drop(host.request(LIMITS, json!({})).await);
    assert_eq!(server.requests_on(2), 1);
}

#[tokio::test]
async fn after_two_that_died_unused_there_is_none_for_a_while() {
    let certified = Certified::new(Http::One);
    let backend = certified.backend();
    let (_server, mut host) = certified.signed_in(&backend.base_url()).await;
    opened(&backend, 1).await;
    let port = backend.addr().port();
    drop(backend);
    let backend = certified.backend_at(port).await;
    // This turn finds the first one dead, and leaves the second.
    assert_eq!(turn(&mut host).await["status"], "completed");
    opened(&backend, 2).await;
    drop(backend);
    let backend = certified.backend_at(port).await;
    for turns in 1..=3 {
        assert_eq!(turn(&mut host).await["status"], "completed");
        until(&backend, "a turn", |it| it.open == 0).await;
        assert_eq!(backend.connections().accepted, turns, "one for each turn");
    }
}
