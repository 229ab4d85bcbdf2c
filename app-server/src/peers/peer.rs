//! One client: its connection, and the content of its `initialize`.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use byokey_protocol::methods::{Notification, ServerRequest};
use byokey_rpc::RequestFailure;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use byokey_auth::PeerId;

/// Most turns that one client may have running. Each holds a connection to the backend.
const MAX_TURNS: usize = 64;

/// The content of a client's `initialize`.
#[derive(Clone, Debug)]
pub struct Client {
    /// Notifications that it opted out of.
    pub opted_out: Vec<&'static str>,
    /// Its timeout for refresh requests.
    pub refresh_timeout: Duration,
    /// Whether it answers refresh requests before a token expires.
    pub proactive_refresh: bool,
}

/// One client.
#[derive(Debug)]
pub struct Peer {
    /// Its number; also its id as a supplier of tokens.
    pub id: PeerId,
    /// Its connection.
    pub rpc: Arc<byokey_rpc::Peer>,
    client: OnceLock<Client>,
    /// Waits for what its connection ends with. Goes with the peer.
    end: Mutex<JoinSet<()>>,
    turns: Arc<Semaphore>,
}

impl Peer {
    /// Returns a client that has not introduced itself.
    pub(super) fn new(id: PeerId, rpc: Arc<byokey_rpc::Peer>) -> Self {
        Self {
            id,
            rpc,
            client: OnceLock::new(),
            end: Mutex::default(),
            turns: Arc::new(Semaphore::new(MAX_TURNS)),
        }
    }

    /// Ends the connection in good order when this future ends.
    pub fn end_after(&self, end: impl Future<Output = ()> + Send + 'static) {
        let rpc = Arc::clone(&self.rpc);
        self.end().spawn(async move {
            end.await;
            rpc.hang_up();
        });
    }

    /// Ends the connection: nothing more is sent, and `end_after` has no effect any more.
    pub(super) fn close(&self) {
        self.rpc.close();
        self.end().abort_all();
    }

    fn end(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the content of its `initialize`, once received.
    #[must_use]
    pub fn client(&self) -> Option<&Client> {
        self.client.get()
    }

    /// Records that the client has introduced itself. It gets notifications from now on.
    pub fn introduce(&self, client: Client) {
        // A second introduction was refused before.
        drop(self.client.set(client));
    }

    /// Counts a turn that the client starts, for as long as the permit lives. None if it may start
    /// no more.
    #[must_use]
    pub fn count_turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.turns).try_acquire_owned().ok()
    }

    /// Sends a notification, if the client has introduced itself and has not opted out of it.
    pub fn notify<N: Notification>(&self, params: &N::Params)
    where
        N::Params: Serialize,
    {
        let wanted = |client: &Client| !client.opted_out.contains(&N::NAME);
        if self.client().is_some_and(wanted) {
            self.rpc.notify::<N>(params);
        }
    }

    /// Sends a request synchronously, and waits for the response with the client's timeout.
    pub fn request<R>(
        &self,
        params: &R::Params,
    ) -> impl Future<Output = Result<R::Result, RequestFailure>> + Send + use<R>
    where
        R: ServerRequest<Params: Serialize, Result: DeserializeOwned + Send + 'static>,
    {
        let refresh_timeout = |client: &Client| client.refresh_timeout;
        let after = self
            .client()
            .map_or(DEFAULT_REFRESH_TIMEOUT, refresh_timeout);
        self.rpc.request::<R>(params).within(after)
    }

    /// Returns whether it can be asked: it has introduced itself, and its responses can arrive.
    pub(super) fn can_be_asked(&self) -> bool {
        self.client().is_some() && self.rpc.can_answer()
    }
}

/// Default timeout of a host's refresh: codex's.
pub const DEFAULT_REFRESH_TIMEOUT: Duration = Duration::from_secs(10);
