//! The connection: calls and their responses.

use std::fmt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use byokey_protocol::empty::Empty;
use byokey_protocol::methods::{Notification, Request};
use byokey_rpc::{Limits, Peer, RequestFailure, serve};
use jsonrpsee_core::client::Error as ClientError;
use jsonrpsee_types::ErrorObjectOwned;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::sync::watch;

use crate::error::ByokeyError;
use crate::events::Events;
use crate::host::Host;
use crate::options::SpawnOptions;
use crate::process::{self, Ended, Program, Started};
use crate::redact::redact;

/// How long the exit may take after the end of the server's output.
const STATUS_TAKES: Duration = Duration::from_secs(2);

/// Longest message of the server, in bytes. A longer one ends the connection.
const MAX_MESSAGE: usize = 64 * 1024 * 1024;

/// A started server and the calls to it. Dropping it kills the server.
pub(crate) struct Connection {
    peer: Arc<Peer>,
    pub(crate) events: Arc<Events>,
    closing: watch::Sender<bool>,
    ended: watch::Receiver<Ended>,
    pub(crate) pid: Option<u32>,
    pub(crate) program: Program,
    /// Whether texts of this server are known to hold no secret.
    is_trusted: AtomicBool,
}

/// The failure of a call.
type Failure = RequestFailure<ErrorObjectOwned>;

impl Connection {
    pub(crate) fn start(options: &SpawnOptions) -> Result<Self, ByokeyError> {
        let Started {
            child,
            streams: (output, input),
            program,
            logging,
        } = process::start(options)?;
        let pid = child.id();
        let events = Arc::new(Events::new());
        let (closing, when_closing) = watch::channel(false);
        let (when_ended, ended) = watch::channel(None);
        let (end, shutdown) = watch::channel(false);
        let (serving, when_served) = watch::channel(());
        // Calls are numbered from 1.
        let peer = Arc::new(Peer::new(Arc::new(AtomicI64::new(1)), None));
        // The server adds the member to its own messages, too, once it was sent.
        peer.outbox.set_header();
        let provider = options.refresh_tokens.clone();
        let provider = provider.map(|it| it.logging_to(options.on_log.clone()));
        let bearer_provider = options.refresh_bearer_token.clone();
        let host = Host::new(
            Arc::clone(&peer),
            Arc::clone(&events),
            provider,
            bearer_provider,
        );
        let connection = byokey_rpc::Connection::new(Arc::clone(&peer), host).silent();
        let limits = Limits {
            max_message: MAX_MESSAGE,
            // Without a limit here: the server stops reading while we do not, so both could wait
            // for each other.
            high_water: usize::MAX,
            ..Limits::default()
        };
        let served = serve(output, input, connection, limits, shutdown);
        let events_end = Arc::clone(&events);
        tokio::spawn(async move {
            served.await;
            events_end.end();
            drop(serving);
        });
        tokio::spawn(process::supervise(
            (child, logging),
            when_closing,
            end,
            when_served,
            when_ended,
        ));
        Ok(Self {
            peer,
            events,
            closing,
            ended,
            pid,
            program,
            is_trusted: AtomicBool::new(false),
        })
    }

    /// Notes that the server is `byokey`, whose texts name causes and no secrets.
    pub(crate) fn trust(&self) {
        self.is_trusted.store(true, Ordering::Relaxed);
    }

    /// Returns what may be shown of a text of the server.
    pub(crate) fn shown(&self, text: &str) -> Option<String> {
        (self.is_trusted.load(Ordering::Relaxed) && !text.is_empty()).then(|| redact(text))
    }

    /// Sends a request and waits for its result. Dropping the future cancels the request at the
    /// server.
    pub(crate) async fn request<M>(&self, params: M::Params) -> Result<M::Result, ByokeyError>
    where
        M: Request<Params: Serialize, Result: DeserializeOwned + Send + 'static>,
    {
        let answer = self.peer.request_detailed::<M>(&params).cancelled_on_drop();
        drop(params);
        match answer.await {
            Ok(result) => Ok(result),
            Err(failure) => Err(self.error(M::NAME, failure).await),
        }
    }

    /// The same, with a method's name and JSON.
    pub(crate) async fn request_raw(
        &self,
        method: &str,
        params: &impl Serialize,
    ) -> Result<Box<RawValue>, ByokeyError> {
        let answer = self.peer.request_raw(method, params).cancelled_on_drop();
        match answer.await {
            Ok(result) => Ok(result),
            Err(failure) => Err(self.error(method, failure).await),
        }
    }

    /// The same, with jsonrpsee's types.
    pub(crate) async fn request_jsonrpsee(
        &self,
        method: &str,
        params: Option<Box<RawValue>>,
    ) -> Result<Box<RawValue>, ClientError> {
        let answer = match &params {
            Some(params) => self.peer.request_raw(method, params),
            None => self.peer.request_raw(method, &Empty {}),
        };
        match answer.cancelled_on_drop().await {
            Ok(result) => Ok(result),
            Err(RequestFailure::Refused(object)) => Err(ClientError::Call(object)),
            Err(failure) => {
                let error = self.error(method, failure).await;
                Err(ClientError::Transport(error.into()))
            }
        }
    }

    /// Sends a notification. Does nothing if the server is gone.
    pub(crate) fn notify<N: Notification<Params: Serialize>>(&self, params: &N::Params) {
        self.peer.notify::<N>(params);
    }

    /// Sends a notification by name. Does nothing if the server is gone.
    pub(crate) fn notify_raw(&self, method: &str, params: &impl Serialize) {
        self.peer.notify_raw(method, params);
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

    async fn error(&self, method: &str, failure: Failure) -> ByokeyError {
        match failure {
            RequestFailure::Refused(error) => {
                ByokeyError::of_answer(method, &error, self.is_trusted.load(Ordering::Relaxed))
            }
            RequestFailure::AnswerInvalid => ByokeyError::UnexpectedAnswer {
                method: method.to_owned(),
            },
            // A call ends with the server's response, with the server, or when it is dropped; it
            // has no timeout.
            RequestFailure::Gone | RequestFailure::TimedOut { .. } => self.closed_error().await,
        }
    }

    async fn closed_error(&self) -> ByokeyError {
        // A caller that closed the client does not wait for the status.
        let known = !*self.closing.borrow();
        let status = async { tokio::time::timeout(STATUS_TAKES, self.closed()).await.ok() };
        let status = if known { status.await.flatten() } else { None };
        let mut launched = self.program.launched();
        if !known {
            launched.last_log.clear();
        }
        ByokeyError::ConnectionClosed {
            status,
            launched: Some(launched),
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}
