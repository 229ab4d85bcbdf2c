//! Connections that show no good bearer, or nothing at all: however many there are, they hold up
//! no other, and take no more descriptors than their limit.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "the test prints figures")]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream as BlockingStream;
use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use byokey_tests::{Listening, ProcessStatus, Setup};
use futures_util::{SinkExt as _, StreamExt as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// Connections of a crowd at a port.
const STRANGERS: usize = 192;
/// Connections of a crowd at a Unix socket.
const SILENT: usize = 400;
/// What a client with a good bearer may take to be let in, however many others there are: some
/// milliseconds, and more where the machine is busy.
const PROMPT: Duration = Duration::from_secs(5);
/// Connections that the limit allows, those that are being refused, and some files of the program.
const MOST_DESCRIPTORS: usize = 32 + 16 + 8;
const SECRET: &str = "made-up-shared-secret-of-a-test-01234567";

/// Connects a crowd to the port, of which each says this.
async fn strangers(listening: &Listening, say: &str) -> Vec<TcpStream> {
    let mut crowd = Vec::new();
    for _ in 0..STRANGERS {
        let mut stream = TcpStream::connect(listening.address()).await.unwrap();
        stream.write_all(say.as_bytes()).await.unwrap();
        crowd.push(stream);
    }
    crowd
}

/// Waits until the program has done with each of a crowd what it does at once.
async fn settled(listening: &Listening) {
    let mut before = ProcessStatus::of(listening.server.pid()).ticks;
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let now = ProcessStatus::of(listening.server.pid()).ticks;
        if now - before <= 1 {
            return;
        }
        before = now;
    }
}

// Row: crowds of connections
#[tokio::test]
async fn a_good_bearer_is_let_in_at_once_whatever_others_do() {
    let listening = Listening::websocket(Setup::default()).await;
    let address = listening.address();
    let upgrade = |bearer: &str| {
        format!(
            "GET / HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Authorization: Bearer {bearer}\r\n\r\n"
        )
    };
    for (what, say) in [
        ("bad bearers", upgrade("made-up")),
        (
            "unfinished requests",
            "GET / HTTP/1.1\r\nHost: x".to_owned(),
        ),
        ("silent connections", String::new()),
    ] {
        let crowd = strangers(&listening, &say).await;
        settled(&listening).await;
        let begun = Instant::now();
        listening.client().await;
        let took = begun.elapsed();
        println!("figure: {STRANGERS} {what}: a good bearer waits {took:?}");
        assert!(took < PROMPT, "{what}: {took:?}");
        drop(crowd);
    }
}

#[tokio::test]
async fn refusals_are_delayed_within_a_bound() {
    let listening = Listening::websocket(Setup::default()).await;
    let before = ProcessStatus::descriptors(listening.server.pid());
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer x\r\n\r\n",
        listening.address()
    );
    let mut crowd = strangers(&listening, &request).await;
    settled(&listening).await;
    let held = ProcessStatus::descriptors(listening.server.pid()) - before;
    println!("figure: {STRANGERS} bad bearers: {held} descriptors");
    assert!(held <= 64 + 64 + 8, "{held}");
    // The last one is answered as ever.
    let mut answer = String::new();
    let last = crowd.last_mut().unwrap();
    last.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}

// Row: crowds of connections
#[tokio::test]
async fn silent_connections_keep_no_client_out_and_take_no_descriptors_over_the_limit() {
    let listening = Listening::start(Setup::default(), "unix://").await;
    let pid = listening.server.pid();
    let mut talker = listening.unix_host().await;
    let before = ProcessStatus::descriptors(pid);
    let crowd: Vec<_> = (0..SILENT)
        .map(|_| BlockingStream::connect(listening.socket()).unwrap())
        .collect();
    let begun = Instant::now();
    // As soon as a silent one has been so for five seconds, its place goes to one that speaks.
    let mut host = listening.unix_host().await;
    host.request("account/read", json!({})).await.unwrap();
    let took = begun.elapsed();
    let held = ProcessStatus::descriptors(pid) - before;
    println!("figure: {SILENT} silent connections: {held} descriptors, a client waits {took:?}");
    assert!(held <= MOST_DESCRIPTORS, "{held}");
    assert!(took < Duration::from_secs(8), "{took:?}");
    // From then on there is no wait, over WebSocket neither.
    let begun = Instant::now();
    let mut next = listening.unix_host().await;
    next.request("account/read", json!({})).await.unwrap();
    drop(listening.unix_websocket_stranger().await);
    let took = begun.elapsed();
    println!("figure: {SILENT} connections silent for 5 s: a client waits {took:?}");
    assert!(took < PROMPT, "{took:?}");
    // One that has spoken once keeps its place, however long it is silent then.
    talker.request("account/read", json!({})).await.unwrap();
    drop(crowd);
}

#[tokio::test]
async fn a_silent_connection_keeps_its_place_where_no_other_needs_it() {
    let setup = Setup::default().argument("--max-connections").argument("2");
    let listening = Listening::start(setup, "unix://").await;
    let mut silent = listening.unix_stranger();
    tokio::time::sleep(Duration::from_secs(6)).await;
    let mut other = listening.unix_host().await;
    other.request("account/read", json!({})).await.unwrap();
    let begins = json!({"clientInfo": {"name": "late", "version": "1"}});
    silent.request("initialize", begins).await.unwrap();
    // Both have spoken, so the next one is refused at once.
    let mut third = listening.unix_stranger();
    third.send(&json!({"id": 1, "method": "initialize"})).await;
    let refused = third.next().await.unwrap();
    assert_eq!(refused["error"]["data"]["kind"], "overloaded");
}

// Row: crowds of connections
#[tokio::test]
async fn a_silent_connection_has_five_seconds_and_the_oldest_leaves_first() {
    let setup = Setup::default().argument("--max-connections").argument("2");
    let listening = Listening::start(setup, "unix://").await;
    let begun = Instant::now();
    let mut oldest = listening.unix_stranger();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut younger = listening.unix_stranger();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut host = listening.unix_host().await;
    let waited = begun.elapsed();
    println!("figure: a silent connection leaves after {waited:?}");
    // Its time counts from when the server sees it, which is later.
    assert!(waited >= Duration::from_secs(5), "{waited:?}");
    assert!(oldest.rest().await.is_empty(), "it is closed");
    host.request("account/read", json!({})).await.unwrap();
    let begins = json!({"clientInfo": {"name": "younger", "version": "1"}});
    younger.request("initialize", begins).await.unwrap();
}

// Row: crowds of connections
#[tokio::test]
async fn a_connection_ends_with_its_signed_bearer() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    #[expect(clippy::disallowed_methods, reason = "the test plays the user")]
    std::fs::write(&file, SECRET).unwrap();
    std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let setup = [
        "--ws-auth",
        "signed-bearer-token",
        "--ws-shared-secret-file",
        file.to_str().unwrap(),
    ];
    let setup = setup
        .iter()
        .fold(Setup::default(), |setup, word| setup.argument(word));
    let listening = Listening::websocket(setup).await;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.unwrap().as_secs();
    let (begun, lives) = (Instant::now(), 4);
    let mut short = listening
        .connect(&sign(&json!({"exp": now + lives})))
        .await
        .unwrap();
    let mut long = listening
        .connect(&sign(&json!({"exp": now + 3600})))
        .await
        .unwrap();
    let ask = json!({"id": 1, "method": "account/read"}).to_string();
    short.send(Message::text(ask.clone())).await.unwrap();
    let answer = short.next().await.unwrap().unwrap();
    assert!(answer.into_text().unwrap().contains("notInitialized"));
    let end = tokio::time::timeout(Duration::from_secs(lives + 5), short.next()).await;
    let end = end
        .expect("it ends in time")
        .expect("a close frame")
        .unwrap();
    let Message::Close(Some(close)) = end else {
        panic!("{end:?}");
    };
    assert_eq!(close.code, CloseCode::Policy);
    assert_eq!(close.reason.as_str(), "the bearer has expired");
    // Whole seconds count, so it may be one less.
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(lives - 1), "{took:?}");
    long.send(Message::text(ask)).await.unwrap();
    assert!(long.next().await.unwrap().is_ok(), "the other one goes on");
}

fn sign(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({"alg": "HS256"})), part(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{signed}.{signature}")
}
