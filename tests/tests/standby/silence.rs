//! A network that dropped the connection without a word: nothing is acknowledged any more.

#![cfg(target_os = "linux")]

use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use byokey_tests::tls::Http;
use byokey_tests::turns::turn;
use socket2::{SockFilter, SockRef};

use super::Certified;
use super::raw::{Raw, Secured, read_request};

/// The instruction of a socket filter that ends with a constant, the length that is let through.
const RETURN: u16 = 0x06;
/// Longer than any test.
const FOREVER: Duration = Duration::from_secs(120);

/// Drops every packet that arrives from now on, acknowledgements and the end included.
fn drop_packets(stream: &TcpStream) {
    let drop_all = [SockFilter::new(RETURN, 0, 0, 0)];
    SockRef::from(stream).attach_filter(&drop_all).unwrap();
    stream.set_read_timeout(Some(FOREVER)).unwrap();
}

/// Answers with a whole stream.
fn answer_turn(stream: &mut Secured) {
    let completed = r#"{"type":"response.completed","response":{"id":"made-up"}}"#;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    // The client may be gone.
    drop(write!(stream, "{head}data: {completed}\n\n").and_then(|()| stream.flush()));
    stream.conn.send_close_notify();
    drop(stream.flush());
}

#[tokio::test]
async fn a_turn_on_it_fails_in_seconds_and_is_repeated_as_after_any_break() {
    let certified = Certified::new(Http::One);
    let server = Raw::prepared(
        &certified.config,
        |number, stream| {
            if number == 1 {
                drop_packets(stream);
            }
        },
        |_, stream| {
            let is_request = read_request(stream);
            if is_request {
                answer_turn(stream);
            }
            usize::from(is_request)
        },
    );
    let retries = ["model_providers.mock.stream_max_retries=1"];
    let (_server, mut host) = certified.program(&server.url, &retries).await;
    super::login(&mut host, "ada").await;
    server.secured(1);
    let begun = Instant::now();
    let turn = turn(&mut host).await;
    assert_eq!(turn["status"], "completed", "{turn}");
    assert_eq!(server.requests_on(2), 1);
    let took = begun.elapsed();
    // Ten seconds; the HTTP library's own limit for every connection is thirty.
    let expected = Duration::from_secs(9)..Duration::from_secs(25);
    assert!(expected.contains(&took), "{took:?}");
}
