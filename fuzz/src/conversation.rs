//! A connection to the server in memory.
//!
//! Only logins with API keys are allowed, and every URL points at a closed port of this machine, so
//! no input can reach the network, open a port or a browser.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use byokey_app_server::config::{Config, Environment, Overrides};
use byokey_app_server::server::connection;
use byokey_app_server::server::services::Services;
use byokey_protocol::initialize::HardeningReport;
use byokey_rpc::{Limits, serve};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;

/// Longest message of a connection, small so that inputs reach it.
pub(crate) const LIMIT: usize = 4096;

/// Returns the server's output for an input in these pieces.
pub(crate) fn converse<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    // The clock is paused, so that deadlines pass as soon as nothing else happens.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let input = Pieces(pieces.map(<[u8]>::to_vec).collect());
    let output = Output::default();
    let written = Arc::clone(&output.0);
    let (_sender, shutdown) = watch::channel(false);
    let limits = Limits {
        max_message: LIMIT,
        ..Limits::default()
    };
    runtime.block_on(serve(
        input,
        output,
        connection::open(services()),
        limits,
        shutdown,
    ));
    let written = written.lock().expect("nobody else is left");
    written.clone()
}

fn services() -> Arc<Services> {
    let nowhere = "http://127.0.0.1:9";
    let environment = Environment::of([("HOME", "/nonexistent")]);
    let overrides = Overrides {
        settings: vec![
            format!("chatgpt_base_url=\"{nowhere}\""),
            format!("openai_base_url=\"{nowhere}\""),
            "forced_login_method=\"api\"".to_owned(),
        ],
        ..Overrides::default()
    };
    Services::new(
        Config::load(&environment, &overrides),
        HardeningReport::default(),
    )
}

/// Returns the messages in the server's output, in either framing.
pub(crate) fn messages(mut output: &[u8]) -> Vec<Value> {
    let mut messages = Vec::new();
    while !output.is_empty() {
        let text = std::str::from_utf8(output).expect("the output is UTF-8");
        let (body, rest) = if let Some(after) = text.strip_prefix("Content-Length: ") {
            let (length, after) = after.split_once("\r\n\r\n").expect("a whole header");
            after.split_at(length.parse().expect("a length"))
        } else {
            text.split_once('\n').expect("a whole line")
        };
        messages.push(serde_json::from_str(body).expect("JSON"));
        output = rest.as_bytes();
    }
    messages
}

struct Pieces(VecDeque<Vec<u8>>);

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if let Some(mut piece) = self.0.pop_front() {
            let rest = piece.split_off(piece.len().min(buffer.remaining()));
            buffer.put_slice(&piece);
            if !rest.is_empty() {
                self.0.push_front(rest);
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[derive(Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl AsyncWrite for Output {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let mut written = self.0.lock().expect("nobody else writes");
        written.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
