//! The end of a listening program: turns are finished first, unless it is requested twice.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::{Duration, Instant};

use byokey_dev_backend::{DevBackend, Options, Route, TestToken};
use byokey_tests::{Host, Listening, PATIENCE, Server, Setup};
use futures_util::StreamExt as _;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// Starts a turn that the backend does not answer yet.
async fn turn_under_way(host: &mut Host) {
    host.login(&TestToken::new("one").encode(), "ws-1").await;
    let thread = host.request("thread/start", json!({})).await.unwrap();
    let input = json!([{"type": "text", "text": "Hello"}]);
    let turn = json!({"threadId": thread["thread"]["id"], "input": input});
    host.request("turn/start", turn).await.unwrap();
}

fn signal(server: &Server, signal: Signal) {
    let pid = i32::try_from(server.pid()).ok().and_then(Pid::from_raw);
    kill_process(pid.unwrap(), signal).unwrap();
}

#[tokio::test]
async fn running_turns_are_finished_first() {
    for (first, url) in [
        (Signal::TERM, "ws://127.0.0.1:0"),
        (Signal::INT, "unix://"),
        (Signal::HUP, "unix://"),
    ] {
        let backend = DevBackend::start(Options::new()).unwrap();
        let mut listening = Listening::start(Setup::default().backend(&backend), url).await;
        let mut host = if url.starts_with("ws") {
            listening.host().await
        } else {
            listening.unix_host().await
        };
        let gate = backend.hold(Route::Responses);
        turn_under_way(&mut host).await;
        gate.wait_for(1).await;
        signal(&listening.server, first);
        signal(&listening.server, Signal::HUP);
        tokio::time::sleep(Duration::from_millis(200)).await;
        // Requests are still answered meanwhile.
        host.request("account/read", json!({})).await.unwrap();
        gate.release();
        let completed = host.notification("turn/completed").await;
        assert_eq!(completed["turn"]["status"], "completed");
        // Pending notifications; then the end.
        host.rest().await;
        assert_eq!(listening.server.exit_code().await, Some(0));
    }
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let setup = Setup::default().backend(&backend);
    let mut listening = Listening::start(setup, "unix://").await;
    let mut host = listening.unix_host().await;
    let gate = backend.hold(Route::Responses);
    turn_under_way(&mut host).await;
    gate.wait_for(1).await;
    let socket = listening.socket().to_owned();
    signal(&listening.server, Signal::TERM);
    tokio::time::sleep(Duration::from_millis(200)).await;
    host.request("account/read", json!({})).await.unwrap();
    signal(&listening.server, Signal::TERM);
    let second = Instant::now();
    assert_eq!(listening.server.exit_code().await, Some(0));
    assert!(
        second.elapsed() < Duration::from_secs(1),
        "{:?}",
        second.elapsed()
    );
    assert!(!socket.exists());
    gate.release();
}

#[tokio::test]
async fn clients_are_notified_of_the_end_of_the_server() {
    let mut listening = Listening::websocket(Setup::default()).await;
    let mut client = listening.client().await;
    let mut deaf = listening.client().await;
    listening.server.terminate();
    let told = tokio::time::timeout(PATIENCE, client.next()).await.unwrap();
    let Some(Ok(Message::Close(Some(close)))) = told else {
        panic!("a closing frame: {told:?}");
    };
    assert_eq!(close.code, CloseCode::Away);
    let begun = Instant::now();
    assert_eq!(listening.server.exit_code().await, Some(0));
    // One client does not close its side.
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
    drop(deaf.next().await);
}

#[tokio::test]
async fn on_standard_input_a_signal_ends_it_at_once() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let mut server = Setup::default().backend(&backend).start();
    let mut host = Host::initialized(&mut server).await;
    let gate = backend.hold(Route::Responses);
    turn_under_way(&mut host).await;
    gate.wait_for(1).await;
    server.terminate();
    let sent = Instant::now();
    assert_eq!(server.exit_code().await, Some(0));
    assert!(
        sent.elapsed() < Duration::from_secs(1),
        "{:?}",
        sent.elapsed()
    );
    gate.release();
}
