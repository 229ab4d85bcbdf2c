//! The connection to the server: a JSON-RPC peer, served on a thread of its own.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use byokey_dev_backend::Exchange;
use byokey_protocol::bearer_token::BearerToken;
use byokey_protocol::empty::Empty;
use byokey_protocol::external_auth::ExternalTokens;
use byokey_protocol::methods::{BearerTokenRefresh, Refresh, Request as _};
use byokey_rpc::{
    Call, Child, Connection, Limits, Observer, Peer, PendingAnswer, RequestError, RequestFailure,
    Service,
};
use jsonrpsee_types::ErrorObjectOwned;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::process::Command;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

use super::screen::Direction;

/// The variable with the log level.
const LEVEL: &str = "RUST_LOG";

/// The outcome of a request: its result, or why there is none.
type Outcome = Result<Box<RawValue>, RequestFailure<ErrorObjectOwned>>;

/// An event of the scenario.
pub(super) enum Event {
    /// A message was sent. If it is for the host, its meaning is the next event.
    Said(Direction, Vec<u8>),
    /// The server sent a notification.
    Notification { method: String, params: Value },
    /// The server sent a refresh request.
    Question(Question),
    /// The server called the backend.
    Backend(Exchange),
    /// The server exited, with this exit code if it has one.
    End(Option<i32>),
}

/// A sent request.
pub(super) struct Asked {
    pub(super) id: i64,
    answer: PendingAnswer<Outcome>,
}

/// New tokens for a refresh request, of the kind that it asks for.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Supplied {
    /// ChatGPT tokens.
    Tokens(ExternalTokens),
    /// A bearer token for a provider.
    Bearer(BearerToken),
}

/// A refresh request of the server. It is owed an answer.
pub(super) struct Question {
    pub(super) params: Value,
    reply: oneshot::Sender<Result<Supplied, RequestError>>,
}

impl Question {
    /// Answers it. The server may be gone.
    pub(super) fn answer(self, reply: Result<Supplied, RequestError>) {
        drop(self.reply.send(reply));
    }
}

/// The connection to the server. Dropping it closes the server's input and waits for its exit.
pub(super) struct Link {
    peer: Arc<Peer>,
    next_id: Arc<AtomicI64>,
    runtime: Handle,
    closing: watch::Sender<bool>,
    serving: Option<JoinHandle<()>>,
}

impl Link {
    /// Spawns the server with these settings and an environment without anything but the log level,
    /// and forwards its output. It is killed if it does not exit within `patience` of the end of
    /// its input.
    ///
    /// # Errors
    ///
    /// When the system cannot start it.
    pub(super) fn spawn(
        program: &Path,
        settings: &[String],
        events: Sender<Event>,
        patience: Duration,
    ) -> io::Result<Self> {
        let folder = program.parent().unwrap_or_else(|| Path::new("/"));
        let mut command = Command::new(program);
        command.arg("app-server");
        for setting in settings {
            command.args(["-c", setting]);
        }
        command
            .env_clear()
            // The program's folder has no configuration, so no user's is read.
            .env("CODEX_HOME", folder)
            .env("BYOKEY_HOME", folder)
            .env("NO_PROXY", "127.0.0.1")
            // With a higher log level the log goes to standard error beside the output.
            .envs(std::env::var_os(LEVEL).map(|level| (LEVEL, level)));
        Self::open(events, move || {
            let (mut child, (output, input)) = Child::spawn(command)?;
            let exit_code = async move {
                let ended = tokio::time::timeout(patience, child.wait()).await;
                ended.ok()?.ok()?.code()
            };
            Ok((output, input, exit_code))
        })
    }

    /// Connects to a server over two streams, which are opened on the thread that serves them,
    /// together with a future for the server's exit code, awaited while the rest of its output is
    /// read.
    pub(super) fn open<R, W, E>(
        events: Sender<Event>,
        open: impl FnOnce() -> io::Result<(R, W, E)> + Send + 'static,
    ) -> io::Result<Self>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
        E: Future<Output = Option<i32>>,
    {
        let next_id = Arc::new(AtomicI64::new(1));
        let tap = Arc::new(Tap(events.clone()));
        let peer = Arc::new(Peer::new(Arc::clone(&next_id), Some(tap)));
        let (closing, when_closing) = watch::channel(false);
        let (started, when_started) = channel();
        let host = Host {
            peer: Arc::clone(&peer),
            events: events.clone(),
        };
        let connection = Connection::new(Arc::clone(&peer), host).silent();
        let serving = thread::Builder::new().spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let runtime = match runtime {
                Ok(runtime) => runtime,
                Err(error) => return drop(started.send(Err(error))),
            };
            runtime.block_on(async move {
                let (mut output, input, exit_code) = match open() {
                    Ok(opened) => opened,
                    Err(error) => return drop(started.send(Err(error))),
                };
                drop(started.send(Ok(Handle::current())));
                let limits = Limits {
                    // Without a limit here: the server stops reading while we do not, so both could
                    // wait for each other.
                    high_water: usize::MAX,
                    ..Limits::default()
                };
                // This drops the server's input; its output stays open to the end.
                byokey_rpc::serve(&mut output, input, connection, limits, when_closing).await;
                // Both at once: the output of a server that hangs ends when it is killed.
                let mut sink = tokio::io::sink();
                let rest = tokio::io::copy(&mut output, &mut sink);
                let (_, exit_code) = tokio::join!(rest, exit_code);
                // The scenario may be over.
                drop(events.send(Event::End(exit_code)));
            });
        })?;
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        Ok(Self {
            peer,
            next_id,
            runtime: when_started.recv().map_err(gone)??,
            closing,
            serving: Some(serving),
        })
    }

    /// Sends a request.
    pub(super) fn ask(&self, method: &str, params: &impl Serialize) -> Asked {
        // Requests are sent from one thread, so the next id is that of this request.
        let id = self.next_id.load(Ordering::Relaxed);
        let answer = self.peer.request_raw(method, params);
        Asked { id, answer }
    }

    /// Waits for the response to a request.
    pub(super) fn answer(&self, asked: Asked, patience: Duration) -> Outcome {
        self.runtime
            .block_on(async { asked.answer.within(patience).await })
    }

    /// Sends a notification without parameters.
    pub(super) fn notify(&self, method: &str) {
        self.peer.notify_raw(method, &Empty {});
    }

    /// Closes the server's input.
    pub(super) fn close(&self) {
        self.closing.send_replace(true);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.close();
        if let Some(serving) = self.serving.take() {
            // It fails only if the thread panicked, which has been reported.
            drop(serving.join());
        }
    }
}

/// Records every message of both sides, in the order of the wire.
#[derive(Debug)]
struct Tap(Sender<Event>);

impl Observer for Tap {
    fn received(&self, message: &[u8]) {
        let said = Event::Said(Direction::Out, message.to_vec());
        drop(self.0.send(said));
    }

    fn sent(&self, message: &[u8]) {
        let said = Event::Said(Direction::In, message.to_vec());
        drop(self.0.send(said));
    }

    fn skipped(&self) {}
}

/// Forwards the server's requests and notifications.
struct Host {
    peer: Arc<Peer>,
    events: Sender<Event>,
}

impl Service for Host {
    fn request(&mut self, method: &str, call: Call<'_>) {
        if ![Refresh::NAME, BearerTokenRefresh::NAME].contains(&method) {
            return call.refuse(RequestError::unknown_method());
        }
        let params = match call.run::<Value, _>(Ok) {
            Ok(params) => params,
            Err(error) => return call.refuse(error),
        };
        let (reply, replied) = oneshot::channel();
        drop(
            self.events
                .send(Event::Question(Question { params, reply })),
        );
        let peer = Arc::clone(&self.peer);
        let tokens = async move { replied.await.unwrap_or(Err(RequestError::internal())) };
        call.spawn(tokens, move |id, outcome| match outcome {
            Ok(tokens) => peer.respond(id, tokens),
            Err(error) => peer.respond_error(Some(id), error),
        });
    }

    fn notification(&mut self, method: &str, params: Option<&RawValue>) {
        let params = params.map(|params| serde_json::from_str(params.get()));
        // It was parsed as JSON before.
        let params = params.and_then(Result::ok).unwrap_or(Value::Null);
        let method = method.to_owned();
        drop(self.events.send(Event::Notification { method, params }));
    }
}
