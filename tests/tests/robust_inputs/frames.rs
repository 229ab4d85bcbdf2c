//! `Content-Length` frames: bad headers and long bodies cost one answer and no other message.

use std::time::Duration;

use byokey_tests::{PATIENCE, Server};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, ChildStdout};

use crate::probe::CANARY;

/// A host that uses frames.
struct FramedHost {
    _server: Server,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

fn frame(message: &Value) -> String {
    let body = message.to_string();
    format!("Content-Length: {}\r\n\r\n{body}", body.len())
}

fn request(id: i64) -> String {
    frame(&json!({"jsonrpc": "2.0", "id": id, "method": "account/read"}))
}

impl FramedHost {
    async fn start() -> Self {
        let mut server = Server::start();
        let (input, output) = server.pipes();
        let mut host = Self {
            _server: server,
            input,
            output: BufReader::new(output),
        };
        let client = json!({"name": "test-host", "version": "1.0"});
        let params = json!({"clientInfo": client});
        let initialize =
            json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
        host.send(&frame(&initialize)).await;
        assert!(host.next().await["result"].is_object());
        host
    }

    /// Sends the first frame in two writes, cut at this byte.
    async fn start_cut_at(at: usize) {
        let mut server = Server::start();
        let (input, output) = server.pipes();
        let mut host = Self {
            _server: server,
            input,
            output: BufReader::new(output),
        };
        let first = request(1);
        let (begin, end) = first.split_at(at);
        host.send(begin).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        host.send(end).await;
        let refused = host.next().await;
        assert_eq!(refused["error"]["data"]["kind"], "notInitialized", "{at}");
    }

    async fn send(&mut self, text: &str) {
        self.input.write_all(text.as_bytes()).await.unwrap();
    }

    async fn next(&mut self) -> Value {
        let read = async {
            let mut header = String::new();
            self.output.read_line(&mut header).await.unwrap();
            let length = header.trim().strip_prefix("Content-Length: ").unwrap();
            let mut body = vec![0; length.parse::<usize>().unwrap() + 2];
            self.output.read_exact(&mut body).await.unwrap();
            serde_json::from_slice(&body).unwrap()
        };
        let message: Value = tokio::time::timeout(PATIENCE, read).await.unwrap();
        assert!(!message.to_string().contains(CANARY), "{message}");
        assert_eq!(message["jsonrpc"], "2.0");
        message
    }

    /// Expects one error of this kind for the text, and a response to the request behind it.
    async fn refuses(&mut self, text: &str, kind: &str) {
        self.refuses_under(Value::Null, text, kind).await;
    }

    /// Sends the text between two requests; expects one refusal under this id.
    async fn refuses_under(&mut self, id: Value, text: &str, kind: &str) {
        self.send(&format!("{}{text}{}", request(1), request(2)))
            .await;
        assert_eq!(self.next().await["id"], 1, "{text}");
        let error = self.next().await;
        assert_eq!(error["error"]["code"], -32600, "{text}");
        assert_eq!(error["error"]["data"]["kind"], kind, "{text}");
        assert_eq!(error["id"], id, "the id of the refused text");
        assert_eq!(self.next().await["id"], 2, "{text}");
    }
}

#[tokio::test]
async fn bad_header_blocks_are_answered_once_and_the_next_frame_is_read() {
    let mut host = FramedHost::start().await;
    let nonsense = format!("{CANARY}\r\n");
    for bad in [
        nonsense.as_str(),
        &nonsense.repeat(1_000),
        "\0\0\0",
        "Content-Length: x\r\n\r\n",
        "Content-Length: -5\r\n\r\n",
        "Content-Length:\r\n\r\n",
        "Content-Length: 99999999999999999999999\r\n\r\n",
        "Content-Type: application/json\r\n\r\n{}",
        &format!("Content-Length: 2\r\n{CANARY}\r\n\r\n{{}}"),
        &format!("Content-Length: 2\r\nX: {}\r\n\r\n{{}}", "x".repeat(5_000)),
        "{\"id\":7,\"method\":\"account/read\"}",
        "Content-",
    ] {
        host.refuses(bad, "badFrame").await;
    }
}

#[tokio::test]
async fn a_wrong_length_costs_its_frame_and_no_other() {
    let mut host = FramedHost::start().await;
    let body = request(7).replace("Content-Length: ", "Content-Length: 1");
    let too_long = body.replace("\"account/read\"", &format!("\"{CANARY}\""));
    host.send(&too_long).await;
    // The body includes what follows, up to its length; then frames are found again.
    host.send(&request(8).repeat(20)).await;
    let mut answered = 0;
    loop {
        host.send(&request(9)).await;
        match host.next().await["id"].as_i64() {
            Some(9) => break,
            Some(8) => answered += 1,
            _ => {}
        }
    }
    assert!(answered >= 15, "{answered} of 20 frames behind were read");
}

#[tokio::test]
async fn a_body_over_the_limit_is_answered_once() {
    let mut host = FramedHost::start().await;
    let long = "x".repeat(5_000_000);
    host.refuses_under(
        json!(3),
        &frame(&json!({"id": 3, "method": "account/read", "x": long})),
        "messageTooLong",
    )
    .await;
}

#[tokio::test]
async fn the_framing_is_known_however_the_first_frame_arrives() {
    let header = request(1).find('{').unwrap();
    for at in [1, 7, 8, header - 1, header, header + 1] {
        FramedHost::start_cut_at(at).await;
    }
}

#[tokio::test]
async fn headers_in_any_case_and_order_are_read() {
    let mut host = FramedHost::start().await;
    let body = json!({"id": 3, "method": "account/read"}).to_string();
    let kind = "Content-Type: application/vscode-jsonrpc; charset=utf-8";
    for block in [
        format!("content-length:{}\r\n\r\n", body.len()),
        format!("CONTENT-LENGTH: {}\r\n{kind}\r\n\r\n", body.len()),
        format!("{kind}\r\nContent-Length: {}\r\n\r\n", body.len()),
        format!("\r\n Content-Length: {}\r\n\r\n", body.len()),
    ] {
        host.send(&format!("{block}{body}")).await;
        assert_eq!(host.next().await["id"], 3, "{block}");
    }
}
