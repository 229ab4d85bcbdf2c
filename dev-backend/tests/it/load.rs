//! Load, gates, and shutdown.

use std::time::Duration;

use crate::support::*;
use byokey_dev_backend::{DevBackend, Options, Route};
use hyper::StatusCode;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const MANY: usize = 1_000;

#[tokio::test]
async fn a_thousand_connections_held_at_once_all_get_401() {
    let backend = std::sync::Arc::new(start());
    let gate = backend.hold(Route::Usage);
    let mut calls = JoinSet::new();
    for _ in 0..MANY {
        let backend = std::sync::Arc::clone(&backend);
        calls.spawn(async move { call(&backend, get(USAGE, Some("old"))).await.status });
    }
    soon(gate.wait_for(MANY)).await;
    assert_eq!(gate.arrived(), MANY);
    assert_eq!(backend.count(Route::Usage), MANY);
    // The bearer is checked when the gate opens, so this refuses all of them.
    backend.reject_bearer("old");
    gate.release();
    let statuses = soon(calls.join_all()).await;
    assert!(
        statuses
            .iter()
            .all(|status| *status == StatusCode::UNAUTHORIZED)
    );
    assert_eq!(
        soon(call(&backend, get(USAGE, Some("new")))).await.status,
        200
    );
    assert_eq!(gate.arrived(), MANY, "an open gate counts no request");
}

#[tokio::test]
async fn a_gate_holds_its_route_only_and_opens_when_dropped() {
    let backend = start();
    let gate = backend.hold(Route::Usage);
    assert_eq!(
        soon(call(&backend, get(MODELS, Some("t")))).await.status,
        200
    );
    let (answer, ()) = tokio::join!(call(&backend, get(USAGE, Some("t"))), async {
        soon(gate.wait_for(1)).await;
        drop(gate);
    });
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn after_shutdown_nothing_answers_and_the_port_is_free() {
    let backend = start_with(json!({"routes": {"usage": [{"hang": true}]}}));
    let (answer, ()) = tokio::join!(open(&backend, get(USAGE, Some("t"))), async {
        soon(backend.wait_for(Route::Usage, 1)).await;
        backend.shutdown();
        backend.shutdown();
    });
    assert!(answer.is_err(), "the hanging connection is closed");
    assert!(TcpStream::connect(backend.addr()).await.is_err());
    assert_eq!(backend.count(Route::Usage), 1, "the records stay");

    let port = backend.addr().port();
    let next = DevBackend::start(Options::new().port(port)).unwrap();
    assert_eq!(next.base_url(), format!("http://127.0.0.1:{port}"));
    assert_eq!(call(&next, get(USAGE, Some("t"))).await.status, 200);
    let taken = DevBackend::start(Options::new().port(port)).unwrap_err();
    assert_eq!(taken.kind(), std::io::ErrorKind::AddrInUse);
    drop(next);
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}

#[test]
fn it_answers_while_its_starter_is_blocked() {
    use std::io::{Read, Write};

    let backend = start();
    let mut stream = std::net::TcpStream::connect(backend.addr()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let request = "GET /models?client_version=1.0.0 HTTP/1.1\r\nauthorization: Bearer t\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}
