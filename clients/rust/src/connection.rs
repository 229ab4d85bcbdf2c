//! One conversation: calls go out and their answers come back.

use std::fmt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use byokey_protocol::methods::Request;
use jsonrpsee_core::client::ClientT as _;
use jsonrpsee_core::client::async_client::{Client, ClientBuilder, RpcService};
use jsonrpsee_core::middleware::RpcServiceBuilder;
use jsonrpsee_core::traits::ToRpcParams;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::{RawValue, to_raw_value};
use tokio::io::BufReader;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::calls::Calls;
use crate::error::ByokeyError;
use crate::events::Events;
use crate::options::SpawnOptions;
use crate::process::{self, Ended, Ending};
use crate::transport::{Outbox, Receiver, Sender};

/// Calls end when the server answers or ends, or when they are dropped; not by a clock.
const NEVER: Duration = Duration::from_secs(u32::MAX as u64);

/// How many calls may be on their way to the line at once; others wait.
const MOST_STARTING: usize = 1024;

/// How long the exit status may take after the end of the server's output.
const STATUS_TAKES: Duration = Duration::from_secs(2);

/// A started server and the calls to it. Dropping it kills the server.
pub(crate) struct Connection {
    rpc: Client<RpcService>,
    calls: Arc<Calls>,
    outbox: Outbox,
    pub(crate) events: Arc<Events>,
    closing: watch::Sender<bool>,
    ended: watch::Receiver<Ended>,
    pub(crate) pid: Option<u32>,
}

impl Connection {
    pub(crate) fn start(options: &mut SpawnOptions) -> Result<Self, ByokeyError> {
        let started = process::start(options)?;
        let pid = started.child.id();
        let (calls, events) = (Arc::new(Calls::default()), Arc::new(Events::new()));
        let (outbox, lines) = mpsc::unbounded_channel();
        let (closing, when_closing) = watch::channel(false);
        let (when_ended, ended) = watch::channel(None);
        let (reading, when_read) = watch::channel(());
        let ending = Ending {
            closing: when_closing.clone(),
            ended: ended.clone(),
        };
        tokio::spawn(process::write(started.input, lines, ending.clone()));
        tokio::spawn(process::supervise(
            started.child,
            when_closing,
            when_read,
            when_ended,
        ));
        let sender = Sender {
            calls: Arc::clone(&calls),
            outbox: outbox.clone(),
        };
        let receiver = Receiver {
            output: BufReader::new(started.output),
            ending,
            calls: Arc::clone(&calls),
            events: Arc::clone(&events),
            outbox: outbox.clone(),
            provider: options.refresh_tokens.clone(),
            line: Vec::new(),
            answering: JoinSet::new(),
            _reading: reading,
        };
        // Without its own middleware, which logs.
        let rpc = ClientBuilder::default()
            .set_rpc_middleware(RpcServiceBuilder::default())
            .request_timeout(NEVER)
            .max_concurrent_requests(MOST_STARTING)
            .build_with_tokio(sender, receiver);
        Ok(Self {
            rpc,
            calls,
            outbox,
            events,
            closing,
            ended,
            pid,
        })
    }

    pub(crate) async fn request<M>(&self, params: M::Params) -> Result<M::Result, ByokeyError>
    where
        M: Request<Params: Serialize, Result: DeserializeOwned>,
    {
        let params = to_raw_value(&params).unwrap_or_default();
        let answer = self.ask(M::NAME, params).await?;
        serde_json::from_str(answer.get()).map_err(|_| unexpected(M::NAME))
    }

    /// Asks, and waits for the answer. When the future is dropped, the server is told.
    pub(crate) async fn ask(
        &self,
        method: &str,
        params: Box<RawValue>,
    ) -> Result<Box<RawValue>, ByokeyError> {
        let call = Waiting {
            connection: self,
            number: self.calls.begin(params),
        };
        let answered = self.rpc.request::<IgnoredAny, _>(method, &call).await;
        match self.calls.take(call.number) {
            Some(Ok(result)) => Ok(result),
            Some(Err(error)) => Err(ByokeyError::of_answer(method, error.get())),
            None if answered.is_ok() => Err(unexpected(method)),
            None => Err(self.closed_error().await),
        }
    }

    /// Tells the server something. Nothing happens if it is gone.
    pub(crate) fn tell(&self, line: Vec<u8>) {
        drop(self.outbox.send(line));
    }

    pub(crate) async fn closed(&self) -> Option<ExitStatus> {
        let mut ended = self.ended.clone();
        let ended = ended.wait_for(Option::is_some).await;
        ended.map_or(None, |status| status.flatten())
    }

    pub(crate) async fn close(&self) {
        self.closing.send_replace(true);
        self.closed().await;
    }

    async fn closed_error(&self) -> ByokeyError {
        // Who closed the client does not wait for the status.
        let known = !*self.closing.borrow();
        let status = async { tokio::time::timeout(STATUS_TAKES, self.closed()).await.ok() };
        ByokeyError::ConnectionClosed {
            status: if known { status.await.flatten() } else { None },
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

fn unexpected(method: &str) -> ByokeyError {
    ByokeyError::UnexpectedAnswer {
        method: method.to_owned(),
    }
}

/// A call whose answer is waited for. When it is dropped, the call is given up.
struct Waiting<'a> {
    connection: &'a Connection,
    number: i64,
}

impl ToRpcParams for &Waiting<'_> {
    fn to_rpc_params(self) -> Result<Option<Box<RawValue>>, serde_json::Error> {
        to_raw_value(&self.number).map(Some)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(cancellation) = self.connection.calls.give_up(self.number) {
            self.connection.tell(cancellation);
        }
    }
}
