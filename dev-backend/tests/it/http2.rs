//! HTTP/2.

use crate::support::*;
use byokey_dev_backend::{DevBackend, Route};
use http_body_util::BodyExt;
use hyper::client::conn::http2;
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const MANY: usize = 1_000;

#[tokio::test]
async fn a_thousand_streams_fit_on_one_http2_connection() {
    let backend = start();
    let stream = TcpStream::connect(backend.addr()).await.unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let gate = backend.hold(Route::Responses);
    let mut calls = JoinSet::new();
    for _ in 0..MANY {
        let mut sender = sender.clone();
        let mut request = post(RESPONSES, Some("t"), &turn("x"));
        *request.uri_mut() = absolute(&backend, RESPONSES);
        request.headers_mut().remove("host");
        calls.spawn(async move {
            let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
            // The HTTP/2 library treats a client that drops a thousand streams unread as an
            // attacker.
            body.collect().await.unwrap();
            parts.status
        });
    }
    soon(gate.wait_for(MANY)).await;
    gate.release();
    let statuses = soon(calls.join_all()).await;
    assert!(statuses.iter().all(|status| *status == StatusCode::OK));
    assert_eq!(backend.requests()[0].path, RESPONSES);
}

#[tokio::test]
async fn a_dropped_http2_stream_leaves_the_connection_alone() {
    let backend = start_with(json!({"routes": {"usage": [{"drop": true}]}}));
    let stream = TcpStream::connect(backend.addr()).await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = || {
        let builder = Request::get(absolute(&backend, USAGE)).header("authorization", "Bearer t");
        builder.body(String::new()).unwrap()
    };
    assert!(soon(sender.send_request(request())).await.is_err());
    assert_eq!(
        soon(sender.send_request(request())).await.unwrap().status(),
        200
    );
}

fn absolute(backend: &DevBackend, path: &str) -> Uri {
    format!("{}{path}", backend.base_url()).parse().unwrap()
}
