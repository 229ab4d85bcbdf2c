//! The protocol over WebSocket: one message per text frame, and no trace of it left in memory.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use byokey_dev_backend::{DevBackend, Options, Route, TestToken};
use byokey_tests::listening::WebSocket;
use byokey_tests::{Listening, PATIENCE, Setup};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};

const INITIALIZE: &str =
    r#"{"id":1,"method":"initialize","params":{"clientInfo":{"name":"t","version":"1"}}}"#;

/// Returns the next frame.
async fn next(client: &mut WebSocket) -> Message {
    let next = tokio::time::timeout(PATIENCE, client.next()).await;
    next.expect("a frame in time")
        .expect("a frame")
        .expect("the protocol")
}

/// Returns the next message.
async fn message(client: &mut WebSocket) -> Value {
    let text = next(client).await;
    serde_json::from_str(text.to_text().unwrap()).unwrap()
}

fn closed_with(frame: &Message) -> Option<CloseCode> {
    match frame {
        Message::Close(Some(close)) => Some(close.code),
        _ => None,
    }
}

#[tokio::test]
async fn the_whole_story() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let listening = Listening::websocket(Setup::default().backend(&backend)).await;
    let mut host = listening.host().await;
    let old = TestToken::new("old").encode();
    host.login(&old, "ws-1").await;
    backend.reject_bearer(&old);
    let limits = host.start("account/rateLimits/read", json!({})).await;
    let (id, params) = host.asked("account/chatgptAuthTokens/refresh").await;
    assert_eq!(params["reason"], "unauthorized");
    let new = TestToken::new("new").encode();
    host.respond(&id, json!({"accessToken": new, "chatgptAccountId": "ws-1"}))
        .await;
    assert!(host.answer(limits).await.is_ok());

    let thread = host.request("thread/start", json!({})).await.unwrap();
    let input = json!([{"type": "text", "text": "Hello"}]);
    let turn = json!({"threadId": thread["thread"]["id"], "input": input});
    host.request("turn/start", turn).await.unwrap();
    let completed = host.notification("turn/completed").await;
    assert_eq!(completed["turn"]["status"], "completed");
    assert_eq!(
        backend.requests_to(Route::Responses)[0].bearer(),
        Some(&*new)
    );

    host.request("account/logout", json!(null)).await.unwrap();
    let read = host.request("account/read", json!({})).await.unwrap();
    assert_eq!(read["account"], Value::Null);
}

#[tokio::test]
async fn a_message_is_a_text_frame_however_it_is_written() {
    let listening = Listening::websocket(Setup::default()).await;
    let mut client = listening.client().await;
    // Line breaks have no meaning here, and neither has the beginning of a header.
    let pretty = INITIALIZE.replace(',', ",\n\r\n  ");
    client.send(Message::text(pretty)).await.unwrap();
    assert_eq!(message(&mut client).await["id"], 1);
    client
        .send(Message::text("Content-Length: 2\r\n\r\n{}"))
        .await
        .unwrap();
    assert_eq!(message(&mut client).await["error"]["code"], -32700);
    client.send(Message::text("")).await.unwrap();
    // A ping needs no following message.
    client.send(Message::Ping("alone".into())).await.unwrap();
    assert_eq!(next(&mut client).await, Message::Pong("alone".into()));
    // In fragments, with a ping between them.
    let text = OpCode::Data(Data::Text);
    let more = OpCode::Data(Data::Continue);
    let begin = Frame::message(&b"{\"id\":2,\"method\":"[..], text, false);
    client.send(Message::Frame(begin)).await.unwrap();
    client
        .send(Message::Ping("are you there".into()))
        .await
        .unwrap();
    client
        .send(Message::Frame(continuation(more, b"\"account/read\"}")))
        .await
        .unwrap();
    // In either order: the pong may be sent before the message is complete.
    let frames = [next(&mut client).await, next(&mut client).await];
    assert!(frames.contains(&Message::Pong("are you there".into())));
    let answer = frames.iter().find(|frame| frame.is_text()).unwrap();
    let answer: Value = serde_json::from_str(answer.to_text().unwrap()).unwrap();
    assert_eq!(answer["id"], 2);
    // Two in one packet.
    for id in [3, 4] {
        let request = json!({"id": id, "method": "account/read"}).to_string();
        client.feed(Message::text(request)).await.unwrap();
    }
    client.flush().await.unwrap();
    assert_eq!(message(&mut client).await["id"], 3);
    assert_eq!(message(&mut client).await["id"], 4);
    client.close(None).await.unwrap();
    assert!(matches!(next(&mut client).await, Message::Close(None)));
    assert!(client.next().await.is_none());
}

fn continuation(opcode: OpCode, text: &'static [u8]) -> Frame {
    let mut frame = Frame::message(text, OpCode::Data(Data::Text), true);
    frame.header_mut().opcode = opcode;
    frame
}

// Row: limits of the port
#[tokio::test]
async fn what_is_no_message_ends_the_connection_and_no_other() {
    let setup = Setup::default()
        .argument("--max-message-bytes")
        .argument("1000");
    let listening = Listening::websocket(setup).await;
    let mut other = listening.host().await;
    let exact = json!({"id": 2, "method": "account/read", "params": {"x": ""}}).to_string();
    let exact = exact.replace(
        r#""x":"""#,
        &format!(r#""x":"{}""#, "x".repeat(1000 - exact.len())),
    );
    let mut client = listening.client().await;
    client.send(Message::text(INITIALIZE)).await.unwrap();
    assert_eq!(message(&mut client).await["id"], 1);
    assert_eq!(exact.len(), 1000);
    client.send(Message::text(exact.clone())).await.unwrap();
    assert_eq!(message(&mut client).await["id"], 2);
    client.send(Message::text(exact + " ")).await.unwrap();
    assert_eq!(
        message(&mut client).await["error"]["data"]["kind"],
        "messageTooLong"
    );
    assert_eq!(closed_with(&next(&mut client).await), Some(CloseCode::Size));

    for (frame, code) in [
        (Message::binary(&b"{}"[..]), CloseCode::Unsupported),
        (
            Message::Frame(Frame::message(&b"\xff"[..], OpCode::Data(Data::Text), true)),
            CloseCode::Invalid,
        ),
        (
            Message::Frame(continuation(OpCode::Data(Data::Continue), b"{}")),
            CloseCode::Protocol,
        ),
        (Message::text("x".repeat(10_000_000)), CloseCode::Size),
    ] {
        let mut client = listening.client().await;
        // It may be disconnected before all is sent.
        let _ = client.send(frame).await;
        let told = loop {
            let frame = next(&mut client).await;
            if frame.is_close() {
                break closed_with(&frame);
            }
        };
        assert_eq!(told, Some(code));
    }
    other.request("account/read", json!({})).await.unwrap();
}
