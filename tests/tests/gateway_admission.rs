//! Admission to the gateway: no web page, no foreign name, no request without the bearer, and
//! nothing of a body before it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use byokey_dev_backend::{DevBackend, Options, RecordedRequest, Route};
use byokey_tests::gateway::{Gateway, TURN, answer};
use futures_util::future::join_all;
use tokio::io::AsyncWriteExt as _;

/// Returns a request with these header lines, without those that a client has by itself.
fn request(line: &str, headers: &[&str], body: &str) -> String {
    let mut text = format!("{line} HTTP/1.1\r\n");
    for header in headers {
        text += &format!("{header}\r\n");
    }
    if !body.is_empty() {
        text += &format!("Content-Length: {}\r\n", body.len());
    }
    format!("{text}Connection: close\r\n\r\n{body}")
}

/// What a hostile request is called, its text, and the statuses that may answer it.
type Hostile = (&'static str, String, &'static [u16]);

/// Returns hostile requests to this gateway; `old_bearer` is the header of one that is gone.
fn hostile_requests(gateway: &Gateway, old_bearer: &str) -> Vec<Hostile> {
    let authority = gateway.client().authority;
    let port = authority.rsplit(':').next().unwrap_or_default();
    let host = format!("Host: {authority}");
    let bearer = format!("Authorization: Bearer {}", gateway.bearer);
    let (host, bearer) = (host.as_str(), bearer.as_str());
    let other_host = |name: &str| format!("Host: {name}:{port}");
    let json = "Content-Type: application/json";
    let plain = "Content-Type: text/plain";
    let shortened = bearer.get(..bearer.len() - 1).unwrap_or_default();
    let post = "POST /v1/responses";
    let get = "GET /v1/models";
    vec![
        (
            "web page",
            request(
                post,
                &[host, bearer, json, "Origin: https://evil.example"],
                TURN,
            ),
            &[403],
        ),
        (
            "null origin",
            request(post, &[host, bearer, plain, "Origin: null"], TURN),
            &[403],
        ),
        (
            "own origin",
            request(
                get,
                &[host, bearer, &format!("Origin: http://{authority}")],
                "",
            ),
            &[403],
        ),
        (
            "preflight",
            request(
                "OPTIONS /v1/responses",
                &[
                    host,
                    "Origin: https://evil.example",
                    "Access-Control-Request-Method: POST",
                    "Access-Control-Request-Headers: authorization",
                ],
                "",
            ),
            &[403],
        ),
        ("blind post", request(post, &[host, plain], TURN), &[401]),
        (
            "blind form",
            request(
                post,
                &[host, "Content-Type: application/x-www-form-urlencoded"],
                "a=b",
            ),
            &[401],
        ),
        (
            "rebinding",
            request(get, &[&other_host("evil.example"), bearer], ""),
            &[403],
        ),
        (
            "rebinding, suffix",
            request(get, &[&other_host("127.0.0.1.evil.example"), bearer], ""),
            &[403],
        ),
        (
            "other loopback",
            request(get, &[&other_host("127.0.0.2"), bearer], ""),
            &[403],
        ),
        (
            "all addresses",
            request(get, &[&other_host("0.0.0.0"), bearer], ""),
            &[403],
        ),
        (
            "other port",
            request(get, &["Host: 127.0.0.1:1", bearer], ""),
            &[403],
        ),
        (
            "two hosts",
            request(get, &[host, &other_host("evil.example"), bearer], ""),
            &[400, 403],
        ),
        ("no host", request(get, &[bearer], ""), &[400, 403]),
        ("no bearer", request(get, &[host], ""), &[401]),
        ("old bearer", request(get, &[host, old_bearer], ""), &[401]),
        ("short bearer", request(get, &[host, shortened], ""), &[401]),
        (
            "long bearer",
            request(get, &[host, &format!("{bearer}x")], ""),
            &[401],
        ),
        (
            "two bearers",
            request(get, &[host, bearer, bearer], ""),
            &[401],
        ),
        (
            "other scheme",
            request(get, &[host, "Authorization: Basic YTpi"], ""),
            &[401],
        ),
        (
            "bearer in the address",
            request(&format!("{get}?key={}", gateway.bearer), &[host], ""),
            &[401],
        ),
        (
            "bearer in a cookie",
            request(
                get,
                &[host, &format!("Cookie: token={}", gateway.bearer)],
                "",
            ),
            &[401],
        ),
        (
            "double slash",
            request("POST //v1/responses", &[host, bearer, json], TURN),
            &[404],
        ),
        (
            "dots",
            request("POST /v1/../v1/responses", &[host, bearer, json], TURN),
            &[404],
        ),
        (
            "encoded slash",
            request("POST /v1%2fresponses", &[host, bearer, json], TURN),
            &[404],
        ),
        (
            "encoded letter",
            request("POST /v1/%72esponses", &[host, bearer, json], TURN),
            &[404],
        ),
        (
            "other case",
            request("POST /V1/Responses", &[host, bearer, json], TURN),
            &[404],
        ),
        (
            "slash at the end",
            request("POST /v1/responses/", &[host, bearer, json], TURN),
            &[404],
        ),
        (
            "for a proxy",
            request("GET http://evil.example/v1/models", &[host, bearer], ""),
            &[400, 403, 404],
        ),
        (
            "tunnel",
            request("CONNECT evil.example:443", &[host, bearer], ""),
            &[400, 403, 404],
        ),
        (
            "refresh",
            request("POST /oauth/token", &[host, bearer, json], "{}"),
            &[404],
        ),
    ]
}

// Row: no bearer, a web page, a foreign name
#[tokio::test]
async fn hostile_requests_get_nothing() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let old = Gateway::start(&backend, &[]).await;
    let old_bearer = format!("Authorization: Bearer {}", old.bearer);
    drop(old);
    let gateway = Gateway::start(&backend, &[]).await;
    let client = gateway.client();
    // The gateway asks for the workspace of the login by itself.
    let is_served = |it: &RecordedRequest| it.route != Some(Route::AccountsCheck);
    let served = || backend.requests().iter().filter(|it| is_served(it)).count();
    let before = served();
    let rows = hostile_requests(&gateway, &old_bearer);
    assert!(rows.len() >= 20);
    for (name, text, statuses) in rows {
        let answer = client.raw(text.as_bytes()).await;
        assert!(statuses.contains(&answer.status), "{name}: {answer:?}");
        let head = answer.head.to_ascii_lowercase();
        assert!(!head.contains("access-control-"), "{name}: {head}");
        assert!(!answer.body.contains("response.completed"), "{name}");
        assert!(!answer.body.contains(&gateway.bearer), "{name}");
    }
    assert_eq!(served(), before, "none of them reached the backend");
    assert_eq!(client.get("/v1/models").await.status, 200);
}

#[tokio::test]
async fn nothing_of_a_body_is_read_before_the_bearer() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let gateway = Gateway::start(&backend, &[]).await;
    let client = gateway.client();
    let head = format!(
        "POST /v1/responses HTTP/1.1\r\nHost: {}\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n",
        client.authority
    );
    let mut stream = client.connect().await;
    stream.write_all(head.as_bytes()).await.unwrap();
    let unread = answer(stream).await;
    assert_eq!(unread.status, 401, "not 100: {unread:?}");
    // With the bearer, a length that is too long is refused before it is sent.
    let headers = "Expect: 100-continue\r\nContent-Length: 67108865\r\nConnection: close\r\n\r\n";
    let head = client.head("POST /v1/responses", headers);
    let refused = client.raw(head.as_bytes()).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (413, "body_too_large")
    );
    // Without a length, once it is exceeded.
    let headers = "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    let mut stream = client.connect().await;
    let head = client.head("POST /v1/responses", headers);
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = [
        format!("{:x}\r\n", 1 << 20).into_bytes(),
        vec![b'x'; 1 << 20],
        b"\r\n".to_vec(),
    ]
    .concat();
    for _ in 0..64 {
        stream.write_all(&chunk).await.unwrap();
    }
    // One byte more, and nothing that stays unread: that would reset the connection.
    stream.write_all(b"1\r\nx").await.unwrap();
    let refused = answer(stream).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (413, "body_too_large")
    );
    assert_eq!(backend.count(Route::Responses), 0);
}

#[tokio::test]
async fn bodies_together_have_a_limit_and_give_their_room_back() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let gateway = Gateway::start(&backend, &[]).await;
    let client = gateway.client();
    // Two that are announced and not sent hold all of the room.
    let headers = format!("Content-Length: {}\r\n\r\n", 64 << 20);
    let head = client.head("POST /v1/responses", &headers);
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = client.connect().await;
        stream.write_all(head.as_bytes()).await.unwrap();
        held.push(stream);
    }
    let deadline = Instant::now() + byokey_tests::PATIENCE;
    loop {
        let answer = client.post("/v1/responses", TURN).await;
        if answer.status == 503 {
            assert_eq!(answer.code(), "bodies_too_large");
            break;
        }
        assert!(Instant::now() < deadline, "{answer:?}");
    }
    assert_eq!(
        client.get("/v1/models").await.status,
        200,
        "what has no body is served"
    );
    drop(held);
    loop {
        let answer = client.post("/v1/responses", TURN).await;
        if answer.status == 200 {
            break;
        }
        assert!(Instant::now() < deadline, "{answer:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn guessing_is_slowed_down_and_does_not_affect_the_bearer() {
    const GUESSES: usize = 25;
    let backend = DevBackend::start(Options::new()).unwrap();
    let gateway = Gateway::start(&backend, &[]).await;
    let client = gateway.client();
    let guess = byokey_tests::gateway::Client::new(&gateway.url, "at-a-guess");
    let begun = Instant::now();
    let answered = AtomicUsize::new(0);
    let guesses = join_all((0..GUESSES).map(async |_| {
        let answer = guess.get("/v1/models").await;
        answered.fetch_add(1, Ordering::Relaxed);
        answer
    }));
    let (guesses, (good, before)) = tokio::join!(guesses, async {
        // Those that are free are over.
        while answered.load(Ordering::Relaxed) < 5 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let good = client.get("/v1/models").await;
        (good.status, answered.load(Ordering::Relaxed))
    });
    assert!(
        guesses.iter().all(|answer| answer.status == 401),
        "{guesses:?}"
    );
    assert!(
        begun.elapsed() >= Duration::from_millis(3500),
        "twenty more than are free"
    );
    assert_eq!(good, 200);
    assert!(before < GUESSES, "it is not behind the guesses: {before}");
}
