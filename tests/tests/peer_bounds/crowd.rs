//! One client with all the connections that there may be.

use std::time::{Duration, Instant};

use byokey_dev_backend::{DevBackend, Route};
use byokey_tests::turns::backend;
use byokey_tests::{ProcessStatus, Setup};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio_tungstenite::client_async;

use super::{LONG, MOST, Stage, is_overloaded};

/// How long one that is not read from may try to write.
const WRITING: Duration = Duration::from_secs(4);
/// How long an ordinary client repeats a request that was refused as `overloaded`.
const TRYING: Duration = Duration::from_secs(30);

/// What each connection beyond the usual 32 may take, in KiB.
const EACH: u64 = 64;

/// How a connection sends its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Lines,
    ContentLength,
    WebSocket,
    /// A WebSocket, and long messages in many frames.
    Fragments,
    /// A WebSocket, and long messages in one long frame and a short one.
    TwoFrames,
}

use Form::{ContentLength, Fragments, Lines, TwoFrames, WebSocket};

/// One connection of the crowd. It reads nothing.
struct Member {
    stream: UnixStream,
    form: Form,
}

/// A masked frame with this length and beginning, under a mask of zeros.
fn frame(first: u8, length: usize, begin: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first, 0x80 | 127];
    bytes.extend_from_slice(&(length as u64).to_be_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(begin);
    bytes
}

impl Form {
    fn message(self, message: &Value) -> Vec<u8> {
        let text = message.to_string();
        match self {
            Lines => format!("{text}\n").into_bytes(),
            ContentLength => format!("Content-Length: {}\r\n\r\n{text}", text.len()).into_bytes(),
            WebSocket | Fragments | TwoFrames => frame(0x81, text.len(), text.as_bytes()),
        }
    }

    /// A long request without its end.
    fn unfinished(self) -> Vec<u8> {
        let ask = json!({"id": "unfinished", "method": "account/read", "params": {"x": "x".repeat(LONG)}});
        let text = ask.to_string();
        let begin = text.as_bytes().split_at(LONG).0;
        match self {
            Lines => begin.to_vec(),
            ContentLength => {
                let header = format!("Content-Length: {}\r\n\r\n", text.len());
                [header.as_bytes(), begin].concat()
            }
            WebSocket => frame(0x81, text.len(), begin),
            Fragments => {
                let parts = begin.chunks(100_000).enumerate();
                let first = |at: usize| u8::from(at == 0);
                let frames = parts.map(|(at, part)| frame(first(at), part.len(), part));
                frames.collect::<Vec<_>>().concat()
            }
            TwoFrames => {
                let (long, short) = begin.split_at(LONG - 10);
                [frame(1, long.len(), long), frame(0, 20, short)].concat()
            }
        }
    }
}

impl Member {
    async fn new(stage: &Stage, form: Form) -> Self {
        let stream = UnixStream::connect(stage.listening.socket()).await.unwrap();
        let mut member = Self { stream, form };
        if !matches!(form, Lines | ContentLength) {
            let upgraded = client_async("ws://localhost/", member.stream).await;
            member.stream = upgraded.unwrap().0.into_inner();
        }
        let client = json!({"name": "crowd", "version": "1"});
        let params = json!({"clientInfo": client});
        let hello = json!({"id": "hello", "method": "initialize", "params": params});
        let hello = [hello, json!({"method": "initialized"})].map(|it| form.message(&it));
        member.stream.write_all(&hello.concat()).await.unwrap();
        member
    }

    /// Writes until the server reads no more, or closes the connection.
    async fn write(&mut self, bytes: &[u8]) {
        drop(tokio::time::timeout(WRITING, self.stream.write_all(bytes)).await);
    }

    /// What it was sent, until nothing more comes.
    async fn read(&mut self) -> String {
        let mut bytes = Vec::new();
        let read = self.stream.read_to_end(&mut bytes);
        drop(tokio::time::timeout(Duration::from_millis(300), read).await);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Requests with long answers.
fn unread(form: Form) -> Vec<u8> {
    let folders = vec!["x".repeat(60); 1000];
    let ask = json!({"id": "unread", "method": "skills/list", "params": {"cwds": folders}});
    form.message(&ask).repeat(40)
}

/// Requests that wait for the backend, with long parameters.
fn waiting(form: Form) -> Vec<u8> {
    let asks = (0..600).map(|id| {
        let params = json!({"x": "x".repeat(10_000)});
        form.message(&json!({"id": id, "method": "account/rateLimits/read", "params": params}))
    });
    asks.collect::<Vec<_>>().concat()
}

/// Fills all connections but one, part by part, so that they all hold something at once.
async fn crowd(
    stage: &Stage,
    size: usize,
    forms: &[Form],
    say: impl Fn(usize, Form) -> Vec<u8>,
) -> Vec<Member> {
    let mut members = Vec::new();
    for form in forms.iter().cycle().take(size) {
        members.push(Member::new(stage, *form).await);
    }
    let said: Vec<_> = members
        .iter()
        .enumerate()
        .map(|(at, it)| say(at, it.form))
        .collect();
    for round in 0..8 {
        join_all(
            members
                .iter_mut()
                .zip(&said)
                .map(|(member, said)| async move {
                    let part = said.chunks(said.len().div_ceil(8)).nth(round);
                    member.write(part.unwrap_or_default()).await;
                }),
        )
        .await;
    }
    members
}

/// An ordinary client works meanwhile, with long messages too.
async fn ordinary_client_works(stage: &mut Stage) {
    stage.host.request("account/read", json!({})).await.unwrap();
    let begun = Instant::now();
    loop {
        let long = json!({"x": "x".repeat(LONG / 2)});
        let answer = stage.host.request("account/read", long).await;
        if answer.is_ok() {
            break;
        }
        assert!(is_overloaded(&answer), "{answer:?}");
        assert!(begun.elapsed() < TRYING, "it waits for ever");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!(
        "figure: a message of 2 MB meanwhile: after {:?}",
        begun.elapsed()
    );
}

async fn stage(backend: &DevBackend, connections: &str) -> Stage {
    let setup = Setup::default().backend(backend);
    let setup = setup.argument("--max-connections").argument(connections);
    let mut stage = Stage::signed_out(setup).await;
    let token = byokey_dev_backend::TestToken::new("ada").encode();
    stage.host.login(&token, "ws-1").await;
    stage.before = ProcessStatus::of(stage.listening.server.pid());
    stage
}

// Row: what one client may cost
#[tokio::test]
async fn unfinished_messages_of_all_connections_share_a_budget() {
    let backend = backend();
    for forms in [
        &[Lines][..],
        &[ContentLength],
        &[WebSocket],
        &[Fragments],
        &[TwoFrames],
        &[Lines, WebSocket, Fragments],
    ] {
        let mut stage = stage(&backend, "32").await;
        let mut members = crowd(&stage, 31, forms, |_, form| form.unfinished()).await;
        ordinary_client_works(&mut stage).await;
        stage.check(&format!("31 unfinished messages of 4 MB: {forms:?}"));
        // A line that was given up is answered under its id.
        if forms == [Lines] {
            let mut told = 0;
            for member in &mut members {
                let read = member.read().await;
                let refused = read.lines().filter(|line| line.contains("\"unfinished\""));
                told += refused
                    .filter(|line| line.contains("\"overloaded\""))
                    .count();
            }
            assert!((29..=31).contains(&told), "{told}");
        }
        drop(members);
        let whole = json!({"x": "x".repeat(LONG)});
        stage.host.request("account/read", whole).await.unwrap();
        stage.others_are_served().await;
    }
}

// Row: what one client may cost
#[tokio::test]
async fn unread_output_of_all_connections_shares_a_budget() {
    let backend = backend();
    for forms in [&[Lines][..], &[WebSocket]] {
        let mut stage = stage(&backend, "32").await;
        let members = crowd(&stage, 31, forms, |_, form| unread(form)).await;
        ordinary_client_works(&mut stage).await;
        stage.check(&format!("31 connections that read nothing: {forms:?}"));
        drop(members);
        stage.others_are_served().await;
    }
}

// Row: what one client may cost
#[tokio::test]
async fn requests_in_flight_of_all_connections_share_a_budget() {
    let backend = backend();
    let gate = backend.hold(Route::Usage);
    let mut stage = stage(&backend, "32").await;
    let members = crowd(&stage, 31, &[Lines, WebSocket], |_, form| waiting(form)).await;
    // One that waits, too, has room for some of its own.
    let method = "account/rateLimits/read";
    let own = stage.host.start(method, json!({})).await;
    ordinary_client_works(&mut stage).await;
    stage.check("31 times 600 requests of 10 KB in flight");
    gate.release();
    let answer = stage.host.answer(own).await;
    assert!(!is_overloaded(&answer), "{answer:?}");
    drop(members);
    stage.others_are_served().await;
}

// Row: what one client may cost
#[tokio::test]
async fn all_at_once_on_all_connections_share_a_budget() {
    let backend = backend();
    for connections in [32, 256] {
        let gate = backend.hold(Route::Usage);
        let mut stage = stage(&backend, &connections.to_string()).await;
        let forms = [Lines, ContentLength, WebSocket, Fragments, TwoFrames];
        let members = crowd(&stage, connections - 1, &forms, |at, form| match at % 4 {
            0 => [waiting(form), form.unfinished()].concat(),
            1 => [waiting(form), unread(form)].concat(),
            2 => unread(form),
            _ => form.unfinished(),
        })
        .await;
        ordinary_client_works(&mut stage).await;
        // With more connections than usual, each takes something by itself.
        let most = MOST + (connections as u64 - 32) * EACH;
        let what = format!("all at once on {} connections", connections - 1);
        stage.check_within(&what, most);
        gate.release();
        drop(members);
        stage.others_are_served().await;
    }
}
