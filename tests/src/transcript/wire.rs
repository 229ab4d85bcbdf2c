//! The client side of a connection: bytes in both directions, in one of the two framings.

use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, BufReader};

use crate::PATIENCE;

type Reader = Box<dyn AsyncRead + Send + Unpin>;
type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// The client side of a connection.
pub(super) struct Wire {
    reader: BufReader<Reader>,
    writer: Option<Writer>,
    content_length: bool,
    /// A line read while waiting for silence.
    kept: Option<String>,
}

impl Wire {
    pub(super) fn new(reader: Reader, writer: Writer) -> Self {
        Self {
            reader: BufReader::new(reader),
            writer: Some(writer),
            content_length: false,
            kept: None,
        }
    }

    /// Switches to `Content-Length` frames.
    pub(super) const fn use_content_length(&mut self) {
        self.content_length = true;
    }

    pub(super) async fn say(&mut self, message: &str) -> Result<(), String> {
        let bytes = if self.content_length {
            format!("Content-Length: {}\r\n\r\n{message}", message.len())
        } else {
            format!("{message}\n")
        };
        self.say_raw(bytes.as_bytes()).await
    }

    pub(super) async fn say_raw(&mut self, bytes: &[u8]) -> Result<(), String> {
        let writer = self.writer.as_mut().ok_or("the input is closed")?;
        let written = in_time(async {
            writer.write_all(bytes).await?;
            writer.flush().await
        });
        written
            .await?
            .map_err(|error| format!("the server does not read: {error}"))
    }

    pub(super) fn close(&mut self) {
        self.writer = None;
    }

    /// Returns the next message; `None` at the end.
    pub(super) async fn hear(&mut self) -> Result<Option<Value>, String> {
        let text = match self.kept.take() {
            Some(kept) => Some(kept),
            None => in_time(self.read()).await??,
        };
        let parse = |text: String| {
            serde_json::from_str(&text).map_err(|_| format!("the server wrote no JSON: {text:?}"))
        };
        text.map(parse).transpose()
    }

    /// Returns the next bytes.
    pub(super) async fn hear_raw(&mut self, count: usize) -> Result<Vec<u8>, String> {
        let mut bytes = vec![0; count];
        let read = in_time(self.reader.read_exact(&mut bytes)).await?;
        read.map_err(|error| format!("the server writes no more: {error}"))?;
        Ok(bytes)
    }

    /// Returns a line that arrives within this time of the real clock, if any.
    pub(super) async fn overhear(&mut self, time: Duration) -> Result<Option<String>, String> {
        tokio::select! {
            text = self.read() => self.kept = text?,
            () = real_time(time) => {}
        }
        Ok(self.kept.clone())
    }

    async fn read(&mut self) -> Result<Option<String>, String> {
        let broken = |error: std::io::Error| format!("the server's output broke: {error}");
        let mut line = String::new();
        if self.reader.read_line(&mut line).await.map_err(broken)? == 0 {
            return Ok(None);
        }
        if !self.content_length {
            return Ok(Some(line));
        }
        let length = line.trim_end().strip_prefix("Content-Length: ");
        let length = length.and_then(|length| length.parse().ok());
        let length = length.ok_or_else(|| format!("no Content-Length: {line:?}"))?;
        let mut blank = String::new();
        self.reader.read_line(&mut blank).await.map_err(broken)?;
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body).await.map_err(broken)?;
        String::from_utf8(body)
            .map(Some)
            .map_err(|_| "a frame is not UTF-8".to_owned())
    }
}

/// Waits for a future with a timeout.
///
/// The thread that watches the timeout has a second effect that the transcripts need: while it
/// runs, tokio does not advance a paused clock by itself.
pub(super) async fn in_time<T>(future: impl Future<Output = T>) -> Result<T, String> {
    tokio::select! {
        biased;
        done = future => Ok(done),
        () = real_time(PATIENCE) => Err(format!("nothing came within {PATIENCE:?}")),
    }
}

/// Waits by the real clock, independently of tokio's.
pub(super) async fn real_time(time: Duration) {
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    // Ends at once when this future is dropped, with its end of the channel.
    let watch = move || {
        let _ = stopped.recv_timeout(time);
    };
    drop(tokio::task::spawn_blocking(watch).await);
    drop(stop);
}
