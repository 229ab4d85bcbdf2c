//! Between jsonrpsee and the server's lines.
//!
//! jsonrpsee's client cannot answer requests, drops events that nobody asked for by name, and ends
//! at a line that it does not understand. So it is only shown the answers that somebody waits for.

use std::sync::Arc;

use byokey_protocol::envelope::{Kind, parse};
use byokey_protocol::error::METHOD_NOT_FOUND;
use byokey_protocol::external_auth::{ExternalTokens, RefreshParams};
use byokey_protocol::methods::{Refresh, Request as _};
use byokey_protocol::request_id::RequestId;
use jsonrpsee_core::client::{ReceivedMessage, TransportReceiverT, TransportSenderT};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::ChildStdout;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::calls::{Calls, Outgoing, line};
use crate::events::{Event, Events};
use crate::process::Ending;
use crate::provider::AnyProvider;

/// The code of the answer to a refresh request whose provider failed.
const PROVIDER_FAILED: i32 = -32000;

/// Lines on their way to the server.
pub(crate) type Outbox = UnboundedSender<Vec<u8>>;

/// There is no server any more.
#[derive(Debug, thiserror::Error)]
#[error("the server is gone")]
pub(crate) struct Gone;

/// Takes the requests of jsonrpsee.
pub(crate) struct Sender {
    pub(crate) calls: Arc<Calls>,
    pub(crate) outbox: Outbox,
}

impl TransportSenderT for Sender {
    type Error = Gone;

    async fn send(&mut self, message: String) -> Result<(), Gone> {
        let outgoing: Outgoing<'_> = serde_json::from_str(&message).map_err(|_| Gone)?;
        for line in self.calls.send(&outgoing) {
            self.outbox.send(line).map_err(|_| Gone)?;
        }
        Ok(())
    }
}

/// Reads the lines of the server.
pub(crate) struct Receiver {
    pub(crate) output: BufReader<ChildStdout>,
    pub(crate) line: Vec<u8>,
    pub(crate) ending: Ending,
    pub(crate) calls: Arc<Calls>,
    pub(crate) events: Arc<Events>,
    pub(crate) outbox: Outbox,
    pub(crate) provider: AnyProvider,
    pub(crate) answering: JoinSet<()>,
    /// Dropped with this, which tells that nobody reads any more.
    pub(crate) _reading: watch::Sender<()>,
}

impl TransportReceiverT for Receiver {
    type Error = Gone;

    async fn receive(&mut self) -> Result<ReceivedMessage, Gone> {
        loop {
            self.line.clear();
            tokio::select! {
                biased;
                () = self.ending.wait() => return Err(Gone),
                read = self.output.read_until(b'\n', &mut self.line) => match read {
                    Ok(0) | Err(_) => return Err(Gone),
                    Ok(_) => {}
                },
            }
            while self.answering.try_join_next().is_some() {}
            if let Some(id) = self.take_line() {
                let answer = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":null}}"#);
                return Ok(ReceivedMessage::Text(answer));
            }
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.events.end();
    }
}

impl Receiver {
    /// Deals with a line. If it answers a call, jsonrpsee's number of that call comes back. What is
    /// no message is skipped.
    fn take_line(&mut self) -> Option<u64> {
        let text = std::str::from_utf8(&self.line).ok()?;
        match parse(text).ok()?.kind {
            Kind::Response { id, outcome } => {
                let RequestId::Integer(number) = id else {
                    return None;
                };
                let answer = outcome.map(RawValue::to_owned).map_err(RawValue::to_owned);
                self.calls.answered(number, answer)
            }
            Kind::Notification { method, params } => {
                let params = params.map_or("{}", RawValue::get);
                self.events.tell(&Event::read(&method, params));
                None
            }
            Kind::Request { id, method, params } => {
                let refresh = (method == Refresh::NAME).then(|| params.map(RawValue::get));
                let answer = Answering {
                    id,
                    outbox: self.outbox.clone(),
                    provider: self.provider.clone(),
                };
                match refresh {
                    Some(params) => {
                        let params = params.and_then(|it| serde_json::from_str(it).ok());
                        self.answering.spawn(answer.with_tokens(params));
                    }
                    None => answer.refuse(METHOD_NOT_FOUND, "this client does not know the method"),
                }
                None
            }
            Kind::UselessResponse => None,
        }
    }
}

/// A request of the server that is being answered.
struct Answering {
    id: RequestId,
    outbox: Outbox,
    provider: AnyProvider,
}

/// An answer with a result. It is written straight into the line, since it holds a token.
#[derive(Serialize)]
struct Supplied<'a> {
    jsonrpc: &'static str,
    id: &'a RequestId,
    result: ExternalTokens,
}

impl Answering {
    async fn with_tokens(self, params: Option<RefreshParams>) {
        let tokens = match params {
            Some(params) => self.provider.ask(params).await.ok(),
            None => None,
        };
        // What the provider said may hold anything, so it stays here.
        let Some(result) = tokens else {
            self.refuse(PROVIDER_FAILED, "the token provider of the host failed");
            return;
        };
        let (jsonrpc, id) = ("2.0", &self.id);
        drop(self.outbox.send(line(&Supplied {
            jsonrpc,
            id,
            result,
        })));
    }

    fn refuse(&self, code: i32, message: &str) {
        let error = json!({"code": code, "message": message});
        let answer = json!({"jsonrpc": "2.0", "id": self.id, "error": error});
        drop(self.outbox.send(line(&answer)));
    }
}
