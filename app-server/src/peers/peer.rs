//! One client: its connection, and what `initialize` told of it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use byokey_protocol::methods::{Notification, ServerRequest};
use byokey_rpc::RequestFailure;
use serde::Serialize;
use serde::de::DeserializeOwned;

use byokey_auth::Supplier;

/// What `initialize` told of a client.
#[derive(Clone, Debug)]
pub struct Client {
    /// Notifications that it does not want.
    pub opted_out: Vec<String>,
    /// How long it may take to answer a refresh request.
    pub refresh_timeout: Duration,
    /// Whether it answers refresh requests before a token expires.
    pub proactive_refresh: bool,
}

/// One client.
#[derive(Debug)]
pub struct Peer {
    /// Its number; also its name as a supplier of tokens.
    pub id: Supplier,
    /// Its connection.
    pub rpc: Arc<byokey_rpc::Peer>,
    client: OnceLock<Client>,
}

impl Peer {
    /// A client that has not introduced itself.
    pub(super) const fn new(id: Supplier, rpc: Arc<byokey_rpc::Peer>) -> Self {
        Self {
            id,
            rpc,
            client: OnceLock::new(),
        }
    }

    /// What `initialize` told, if it came.
    #[must_use]
    pub fn client(&self) -> Option<&Client> {
        self.client.get()
    }

    /// The client has introduced itself. Notifications go to it from now on.
    pub fn introduce(&self, client: Client) {
        // A second introduction was refused before.
        drop(self.client.set(client));
    }

    /// Sends a notification, if the client has introduced itself and has not opted out of it.
    pub fn notify<N: Notification>(&self, params: &N::Params)
    where
        N::Params: Serialize,
    {
        let wanted = |client: &Client| !client.opted_out.iter().any(|method| method == N::NAME);
        if self.client().is_some_and(wanted) {
            self.rpc.notify::<N>(params);
        }
    }

    /// Sends a request at once, and waits as long for the answer as the client's capabilities say.
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

    /// Returns whether it can be asked: it has introduced itself, and its answers can arrive.
    pub(super) fn can_be_asked(&self) -> bool {
        self.client().is_some() && self.rpc.can_answer()
    }
}

/// How long a host may take unless it says otherwise: what codex allows.
pub const DEFAULT_REFRESH_TIMEOUT: Duration = Duration::from_secs(10);
