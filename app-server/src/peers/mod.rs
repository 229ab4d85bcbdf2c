//! The connected clients, as recipients of notifications and refresh requests.
//!
//! [`crate::server::connection`] handles their incoming messages.

mod peer;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use byokey_protocol::account::AccountUpdated;
use byokey_protocol::bearer_token::BearerTokenRefreshParams;
use byokey_protocol::external_auth::RefreshParams;
use byokey_protocol::login::LoginCompleted;
use byokey_protocol::methods::{
    AccountUpdatedNotification, BearerTokenRefresh, LoginCompletedNotification, Notification,
    Refresh, WarningNotification,
};
use byokey_protocol::warning::Warning;
use byokey_rpc::{ErrorCode, Observer, RequestFailure};
use futures_util::future::{join_all, select_all};

pub use peer::{Client, DEFAULT_REFRESH_TIMEOUT, Peer};

use crate::process::trace_protocol::ProtocolTrace;
use byokey_auth::login::LoginObserver;
use byokey_auth::{
    AnswerCheck, BearerAnswer, Host, HostAnswer, HostTokens, PeerId, RecoveryFailure,
};

/// The connected peers.
#[derive(Debug, Default)]
pub struct Peers {
    connected: Mutex<Vec<Arc<Peer>>>,
    next_peer: AtomicU64,
    next_request: Arc<AtomicI64>,
    trace: OnceLock<ProtocolTrace>,
}

impl Peers {
    /// Traces the traffic of later peers.
    pub fn trace(&self, trace: ProtocolTrace) {
        // A second trace is ignored.
        drop(self.trace.set(trace));
    }

    /// Adds a peer. It stays until [`Peers::leave`].
    pub fn join(&self) -> Arc<Peer> {
        let id = PeerId(self.next_peer.fetch_add(1, Ordering::Relaxed));
        let trace = self.trace.get().map(|trace| trace.of_peer(id.0));
        let observer = trace.map(|trace| Arc::new(trace) as Arc<dyn Observer>);
        let rpc = byokey_rpc::Peer::new(Arc::clone(&self.next_request), observer);
        let peer = Arc::new(Peer::new(id, Arc::new(rpc)));
        self.connected().push(Arc::clone(&peer));
        peer
    }

    /// Removes a peer.
    pub fn leave(&self, peer: &Peer) {
        self.connected().retain(|other| other.id != peer.id);
        peer.close();
    }

    /// Sends a notification to every peer that has introduced itself and has not opted out.
    pub fn notify<N: Notification>(&self, params: &N::Params)
    where
        N::Params: serde::Serialize,
    {
        self.notify_those::<N>(params, |_| true);
    }

    /// Sends a notification to those peers, if they have introduced themselves and have not opted
    /// out.
    pub fn notify_those<N: Notification>(&self, params: &N::Params, those: impl Fn(PeerId) -> bool)
    where
        N::Params: serde::Serialize,
    {
        for peer in self.connected().iter().filter(|peer| those(peer.id)) {
            peer.notify::<N>(params);
        }
    }

    /// Back-pressure: waits until every peer has read enough.
    ///
    /// Producers of many unrequested messages wait here, so that the queue of a slow peer stays
    /// bounded.
    pub async fn wait_for_capacity(&self) {
        let mut full = Vec::new();
        for peer in self.connected().iter() {
            if !peer.rpc.outbox.has_capacity() {
                full.push(Arc::clone(peer));
            }
        }
        join_all(full.iter().map(|peer| peer.rpc.outbox.wait_for_capacity())).await;
    }

    /// Returns the peers to ask for tokens: the supplier; if it is gone, every other peer that can
    /// answer.
    fn hosts(&self, supplier: PeerId) -> Vec<Arc<Peer>> {
        let connected = self.connected();
        let able = connected.iter().filter(|peer| peer.can_be_asked());
        match able.clone().find(|peer| peer.id == supplier) {
            Some(supplier) => vec![Arc::clone(supplier)],
            None => able.cloned().collect(),
        }
    }

    /// Returns the supplier of a token, if it can be asked.
    fn supplier(&self, supplier: PeerId) -> Option<Arc<Peer>> {
        let connected = self.connected();
        let mut able = connected.iter().filter(|peer| peer.can_be_asked());
        able.find(|peer| peer.id == supplier).cloned()
    }

    fn connected(&self) -> MutexGuard<'_, Vec<Arc<Peer>>> {
        self.connected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The peers as the auth manager's [`Host`].
#[derive(Debug)]
pub struct PeerHost(pub Arc<Peers>);

impl Host for PeerHost {
    fn ask_refresh(
        &self,
        supplier: PeerId,
        params: RefreshParams,
        check: AnswerCheck,
    ) -> HostAnswer {
        let peers = Arc::clone(&self.0);
        let ask = move |hosts: Vec<Arc<Peer>>| {
            let answers = hosts.iter().map(|peer| {
                let (supplier, answer) = (peer.id, peer.request::<Refresh>(&params));
                let check = Arc::clone(&check);
                async move {
                    let tokens = answer.await.map_err(host_failure)?;
                    let answer = HostTokens { tokens, supplier };
                    check(&answer)?;
                    Ok(answer)
                }
            });
            first_tokens(answers.collect())
        };
        // Sent synchronously, so that the request precedes any later message.
        let first = ask(peers.hosts(supplier));
        Box::pin(async move {
            match first.await {
                // The peer disconnected; another one may have tokens.
                Err(RecoveryFailure::HostGone) => ask(peers.hosts(supplier)).await,
                answer => answer,
            }
        })
    }

    fn ask_bearer_refresh(
        &self,
        supplier: PeerId,
        params: BearerTokenRefreshParams,
    ) -> BearerAnswer {
        let supplier = self.0.supplier(supplier);
        let answer = supplier.map(|peer| peer.request::<BearerTokenRefresh>(&params));
        Box::pin(async move {
            let answer = answer.ok_or(RecoveryFailure::HostGone)?;
            answer.await.map_err(host_failure)
        })
    }

    fn wants_proactive_refresh(&self, supplier: PeerId) -> bool {
        let hosts = self.0.hosts(supplier);
        hosts
            .iter()
            .any(|peer| peer.client().is_some_and(|client| client.proactive_refresh))
    }

    fn account_updated(&self, update: AccountUpdated) {
        self.0.notify::<AccountUpdatedNotification>(&update);
    }
}

impl LoginObserver for PeerHost {
    fn login_completed(&self, completed: LoginCompleted) {
        self.0.notify::<LoginCompletedNotification>(&completed);
    }

    fn account_updated(&self, update: AccountUpdated) {
        self.0.notify::<AccountUpdatedNotification>(&update);
    }

    fn login_held_up(&self, why: &str) {
        tracing::warn!("{why}");
        self.0.notify::<WarningNotification>(&Warning {
            thread_id: None,
            message: why.to_owned(),
        });
    }
}

/// Returns the first tokens among several answers that pass the check; later ones are ignored. If
/// there are none, the first failure: a peer that cannot answer, answers for another account, or
/// disconnects does not end the wait for the others.
async fn first_tokens<F>(answers: Vec<F>) -> Result<HostTokens, RecoveryFailure>
where
    F: Future<Output = Result<HostTokens, RecoveryFailure>>,
{
    let mut waiting: Vec<_> = answers.into_iter().map(Box::pin).collect();
    let mut reason = RecoveryFailure::HostGone;
    while !waiting.is_empty() {
        let (answer, _, others) = select_all(waiting).await;
        match answer {
            Ok(tokens) => return Ok(tokens),
            Err(failure) if reason == RecoveryFailure::HostGone => reason = failure,
            Err(_) => {}
        }
        waiting = others;
    }
    Err(reason)
}

/// Maps a failed request to why a host gave no tokens.
fn host_failure(failure: RequestFailure) -> RecoveryFailure {
    match failure {
        RequestFailure::Refused(ErrorCode(code)) => RecoveryFailure::HostRefused { code },
        RequestFailure::AnswerInvalid => RecoveryFailure::AnswerInvalid,
        RequestFailure::Gone => RecoveryFailure::HostGone,
        RequestFailure::TimedOut { after } => RecoveryFailure::HostTimeout { after },
    }
}
