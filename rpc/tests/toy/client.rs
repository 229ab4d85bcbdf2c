//! A raw client: reads and writes JSON texts without this crate's code.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// Timeout of each step.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) enum Client {
    Lines {
        output: BufReader<Box<dyn AsyncRead + Unpin + Send>>,
        input: Option<Box<dyn AsyncWrite + Unpin + Send>>,
    },
    WebSocket(Box<WebSocketStream<TcpStream>>),
}

impl Client {
    pub(crate) fn lines(
        output: impl AsyncRead + Unpin + Send + 'static,
        input: impl AsyncWrite + Unpin + Send + 'static,
    ) -> Self {
        Self::Lines {
            output: BufReader::new(Box::new(output)),
            input: Some(Box::new(input)),
        }
    }

    pub(crate) async fn send(&mut self, message: &str) {
        match self {
            Self::Lines { input, .. } => {
                let input = input.as_mut().unwrap();
                input.write_all(message.as_bytes()).await.unwrap();
                input.write_all(b"\n").await.unwrap();
            }
            Self::WebSocket(socket) => socket.send(Message::text(message)).await.unwrap(),
        }
    }

    /// Returns the next message, or `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        let next = async {
            match self {
                Self::Lines { output, .. } => {
                    let mut line = String::new();
                    let count = output.read_line(&mut line).await.unwrap();
                    (count > 0).then(|| serde_json::from_str(&line).unwrap())
                }
                Self::WebSocket(socket) => match socket.next().await {
                    Some(Ok(Message::Text(text))) => Some(serde_json::from_str(&text).unwrap()),
                    _ => None,
                },
            }
        };
        tokio::time::timeout(PATIENCE, next).await.unwrap()
    }

    /// Closes the sending side.
    pub(crate) async fn finish(&mut self) {
        match self {
            Self::Lines { input, .. } => {
                let mut input = input.take().unwrap();
                input.shutdown().await.unwrap();
            }
            Self::WebSocket(socket) => socket.send(Message::Close(None)).await.unwrap(),
        }
    }
}
