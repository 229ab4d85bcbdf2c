//! HTTP/2 servers, frame by frame: what they refuse, and what they say before their turn.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use byokey_http::{HttpFailure, Request};
use byokey_tests::tls::Http;

use super::Certified;
use super::idle::{client, usage};
use super::raw::{Deed, Raw, Secured};
use super::slow::open;

/// What a client sends first (RFC 9113, section 3.4).
const PREFACE: usize = 24;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `:status: 200` in HPACK.
const STATUS_200: [u8; 1] = [0x88];
const NO_ERROR: u32 = 0;
const REFUSED_STREAM: u32 = 7;

fn send(stream: &mut Secured, kind: u8, flags: u8, id: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let frame = [&length[1..], &[kind, flags], &id.to_be_bytes(), payload].concat();
    // The client may be gone.
    drop(stream.write_all(&frame).and_then(|()| stream.flush()));
}

/// Reads what a client sends first, and sends the settings.
fn begin(stream: &mut Secured) -> bool {
    let is_there = stream.read_exact(&mut [0; PREFACE]).is_ok();
    send(stream, SETTINGS, 0, 0, &[]);
    is_there
}

/// Reads until the end of a request, and returns its stream; nothing at the end of the connection.
fn request(stream: &mut Secured) -> Option<u32> {
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).ok()?;
        let [a, b, c, kind, flags, id @ ..] = head;
        let length = u32::from_be_bytes([0, a, b, c]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut payload).ok()?;
        if matches!(kind, HEADERS | DATA) && flags & END_STREAM != 0 {
            return Some(u32::from_be_bytes(id));
        }
        if kind == SETTINGS && flags == 0 {
            send(stream, SETTINGS, 1, 0, &[]);
        }
    }
}

/// Serves a connection: the first one by the given deed, all others with answers. Returns the
/// number of requests.
fn serve(number: usize, stream: &mut Secured, first: fn(&mut Secured, u32) -> bool) -> usize {
    let mut requests = 0;
    if !begin(stream) {
        return requests;
    }
    while let Some(id) = request(stream) {
        requests += 1;
        if number > 1 {
            send(stream, HEADERS, END_STREAM | END_HEADERS, id, &STATUS_200);
        } else if !first(stream, id) {
            break;
        }
    }
    requests
}

/// Sends a request that is not safe on a standby connection to this server.
async fn post(deed: Deed) -> (Result<bool, HttpFailure>, Raw) {
    let certified = Certified::new(Http::Two);
    let server = Raw::start(&certified.config, deed);
    let client = client(&certified, Duration::from_secs(60));
    open(&client, &server, 1).await;
    let request = Request {
        method: "POST".parse().unwrap(),
        ..usage(&client, &server.url)
    };
    let sent = client.send(request).await;
    (sent.map(|it| it.status().is_success()), server)
}

fn assert_sent_again((sent, server): (Result<bool, HttpFailure>, Raw)) {
    assert!(sent.unwrap());
    assert_eq!(server.requests_on(1), 1);
    assert_eq!(server.requests_on(2), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_stream_is_sent_again() {
    let sent = post(|number, stream| {
        serve(number, stream, |stream, id| {
            send(stream, RST_STREAM, 0, id, &REFUSED_STREAM.to_be_bytes());
            true
        })
    });
    assert_sent_again(sent.await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_above_the_last_one_of_a_goaway_is_sent_again() {
    let sent = post(|number, stream| {
        serve(number, stream, |stream, _| {
            let payload = [0, NO_ERROR].map(u32::to_be_bytes).concat();
            send(stream, GOAWAY, 0, 0, &payload);
            true
        })
    });
    assert_sent_again(sent.await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_a_goaway_includes_is_not_sent_again() {
    let (sent, server) = post(|number, stream| {
        serve(number, stream, |stream, id| {
            let payload = [id, NO_ERROR].map(u32::to_be_bytes).concat();
            send(stream, GOAWAY, 0, 0, &payload);
            false
        })
    })
    .await;
    assert!(matches!(sent, Err(HttpFailure::Interrupted)), "{sent:?}");
    assert_eq!(server.requests_on(1), 1);
    assert!(server.requests_on_others().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_with_an_answer_before_the_request_is_thrown_away() {
    let (sent, server) = post(|number, stream| {
        if number == 1 {
            begin(stream);
            send(stream, HEADERS, END_STREAM | END_HEADERS, 1, &STATUS_200);
            return usize::from(request(stream).is_some());
        }
        serve(number, stream, |_, _| true)
    })
    .await;
    assert!(sent.unwrap());
    assert_eq!(server.requests_on(1), 0);
    assert_eq!(server.requests_on(2), 1);
}
