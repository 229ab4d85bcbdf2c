//! A WebSocket client that sends pings and does not read the pongs.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "figures are part of the output")]

use std::io::Write as _;
use std::time::Duration;

use byokey_tests::listening::introduce;
use byokey_tests::{Host, Listening, ProcessStatus, Setup, byokey_measured};
use serde_json::json;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio_tungstenite::client_async;

/// The token of the listener. It is made up.
const TOKEN: &str = "made-up-capability-token-of-a-test-0123";
/// Most that the memory may grow, in KiB.
const MOST: u64 = 20 * 1024;
/// Bytes of pings.
const PINGS: usize = 96 * 1024 * 1024;
/// The longest payload of a ping (RFC 6455 section 5.5).
const PAYLOAD: usize = 125;
/// How long the program may read nothing before it counts as back-pressure.
const STALLED: Duration = Duration::from_secs(3);

/// Returns many pings, masked with zeros.
fn pings() -> Vec<u8> {
    let head = [0x89, 0x80 | 125, 0, 0, 0, 0];
    let ping = [&head[..], &[b'p'; PAYLOAD]].concat();
    ping.repeat(1_000)
}

/// Connects a host, which shows the token.
async fn host(listening: &Listening) -> Host {
    let mut host = listening.over(listening.connect(TOKEN).await.unwrap());
    introduce(&mut host, json!({})).await;
    host
}

async fn read_account(host: &mut Host) {
    host.request("account/read", json!({})).await.unwrap();
}

/// Sends pings until the program reads no more, or has read so many. Returns how many KiB.
async fn flood(stream: &mut (impl AsyncWrite + Unpin)) -> usize {
    let (pings, mut sent) = (pings(), 0);
    while sent < PINGS {
        match tokio::time::timeout(STALLED, stream.write_all(&pings)).await {
            Ok(Ok(())) => sent += pings.len(),
            // It reads no more, or has closed the connection.
            Ok(Err(_)) | Err(_) => break,
        }
    }
    sent / 1024
}

fn check(listening: &Listening, before: u64, sent: usize) {
    let now = ProcessStatus::of(listening.server.pid()).resident_peak;
    let (grown, place) = (now - before, listening.place());
    println!("figure: {sent} KiB of pings at {place}: peak memory +{grown} KiB");
    assert!(grown <= MOST, "{sent} KiB of pings at {place}: {grown} KiB");
}

#[tokio::test]
async fn pongs_that_are_not_read_hold_no_memory() {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().write_all(TOKEN.as_bytes()).unwrap();
    let path = file.path().to_str().unwrap();
    let arguments = ["--ws-auth", "capability-token", "--ws-token-file", path];
    let setup = arguments
        .iter()
        .fold(Setup::default(), |setup, argument| setup.argument(argument));
    let listening = Listening::websocket(setup.program(byokey_measured())).await;
    let mut other = host(&listening).await;
    let mut client = listening.connect(TOKEN).await.unwrap();
    let before = ProcessStatus::of(listening.server.pid()).resident_peak;
    let sent = flood(client.get_mut()).await;
    read_account(&mut other).await;
    check(&listening, before, sent);
    read_account(&mut host(&listening).await).await;
}

#[tokio::test]
async fn nor_do_they_on_a_unix_socket() {
    let setup = Setup::default().program(byokey_measured());
    let listening = Listening::start(setup, "unix://").await;
    let mut other = listening.unix_host().await;
    let stream = UnixStream::connect(listening.socket()).await.unwrap();
    let (mut client, _) = client_async("ws://localhost/", stream).await.unwrap();
    let before = ProcessStatus::of(listening.server.pid()).resident_peak;
    let sent = flood(client.get_mut()).await;
    read_account(&mut other).await;
    check(&listening, before, sent);
    read_account(&mut listening.unix_host().await).await;
}
