//! The connected peers, seen from inside: whom to tell, whom to ask.
//!
//! Reading what peers say is the business of [`crate::connection`]; here is only what goes to
//! them.

mod peer;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use byokey_protocol::account::AccountUpdated;
use byokey_protocol::external_auth::RefreshParams;
use byokey_protocol::login::LoginCompleted;
use byokey_protocol::methods::{
    AccountUpdatedNotification, LoginCompletedNotification, Notification, Refresh,
};
use byokey_rpc::{ErrorCode, Observer, RequestFailure};
use futures_util::future::{join_all, select_all};

pub use peer::{Client, DEFAULT_REFRESH_TIMEOUT, Peer};

use crate::trace_protocol::ProtocolTrace;
use byokey_auth::login::Audience;
use byokey_auth::{AnswerCheck, Host, HostAnswer, HostTokens, RecoveryFailure, Supplier};

/// The connected peers.
#[derive(Debug, Default)]
pub struct Peers {
    connected: Mutex<Vec<Arc<Peer>>>,
    next_peer: AtomicU64,
    next_request: Arc<AtomicI64>,
    trace: OnceLock<ProtocolTrace>,
}

impl Peers {
    /// Shows the traffic of all peers to come.
    pub fn trace(&self, trace: ProtocolTrace) {
        // A second trace keeps the first.
        drop(self.trace.set(trace));
    }

    /// A new peer. It stays until [`Peers::leave`].
    pub fn join(&self) -> Arc<Peer> {
        let id = Supplier(self.next_peer.fetch_add(1, Ordering::Relaxed));
        let trace = self.trace.get().map(|trace| trace.of_peer(id.0));
        let observer = trace.map(|trace| Arc::new(trace) as Arc<dyn Observer>);
        let rpc = byokey_rpc::Peer::new(Arc::clone(&self.next_request), observer);
        let peer = Arc::new(Peer::new(id, Arc::new(rpc)));
        self.connected().push(Arc::clone(&peer));
        peer
    }

    /// The peer is gone.
    pub fn leave(&self, peer: &Peer) {
        self.connected().retain(|other| other.id != peer.id);
        peer.rpc.close();
    }

    /// Tells every peer that has introduced itself and wants to know.
    pub fn notify<N: Notification>(&self, params: &N::Params)
    where
        N::Params: serde::Serialize,
    {
        for peer in self.connected().iter() {
            peer.notify::<N>(params);
        }
    }

    /// Waits until every peer has read enough for more to be told.
    ///
    /// Whoever produces much without being asked waits here, so that what a slow peer has not
    /// read stays bounded.
    pub async fn wait_for_capacity(&self) {
        let mut full = Vec::new();
        for peer in self.connected().iter() {
            if !peer.rpc.outbox.has_capacity() {
                full.push(Arc::clone(peer));
            }
        }
        join_all(full.iter().map(|peer| peer.rpc.outbox.wait_for_capacity())).await;
    }

    /// Whom to ask for tokens: their supplier; if it is gone, every other peer that can be asked.
    fn hosts(&self, supplier: Supplier) -> Vec<Arc<Peer>> {
        let connected = self.connected();
        let able = connected.iter().filter(|peer| peer.can_be_asked());
        match able.clone().find(|peer| peer.id == supplier) {
            Some(supplier) => vec![Arc::clone(supplier)],
            None => able.cloned().collect(),
        }
    }

    fn connected(&self) -> MutexGuard<'_, Vec<Arc<Peer>>> {
        self.connected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A shared handle to the peers, as the auth manager sees them.
#[derive(Debug)]
pub struct PeerHost(pub Arc<Peers>);

impl Host for PeerHost {
    fn ask_refresh(
        &self,
        supplier: Supplier,
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
        // Asked at once, so that the request stands before whatever is sent next.
        let first = ask(peers.hosts(supplier));
        Box::pin(async move {
            match first.await {
                // The one that was asked went away; somebody else may know.
                Err(RecoveryFailure::HostGone) => ask(peers.hosts(supplier)).await,
                answer => answer,
            }
        })
    }

    fn wants_proactive_refresh(&self, supplier: Supplier) -> bool {
        let hosts = self.0.hosts(supplier);
        hosts
            .iter()
            .any(|peer| peer.client().is_some_and(|client| client.proactive_refresh))
    }

    fn account_updated(&self, update: AccountUpdated) {
        self.0.notify::<AccountUpdatedNotification>(&update);
    }
}

impl Audience for PeerHost {
    fn login_completed(&self, completed: LoginCompleted) {
        self.0.notify::<LoginCompletedNotification>(&completed);
    }

    fn account_updated(&self, update: AccountUpdated) {
        self.0.notify::<AccountUpdatedNotification>(&update);
    }
}

/// Returns the first tokens among several answers that pass the check; what comes later is
/// ignored. If there are none, the first reason that was given: a peer that does not know how to
/// answer, answers for another account, or goes, is no reason to give up on the others.
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

/// Returns why a host gave no tokens.
fn host_failure(failure: RequestFailure) -> RecoveryFailure {
    match failure {
        RequestFailure::Refused(ErrorCode(code)) => RecoveryFailure::HostRefused { code },
        RequestFailure::AnswerInvalid => RecoveryFailure::AnswerInvalid,
        RequestFailure::Gone => RecoveryFailure::HostGone,
        RequestFailure::TimedOut { after } => RecoveryFailure::HostTimeout { after },
    }
}
