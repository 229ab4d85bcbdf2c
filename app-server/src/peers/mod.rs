//! The connected clients, as recipients of notifications and refresh requests.
//!
//! [`crate::server::connection`] handles their incoming messages.

mod account_host;
mod peer;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use byokey_protocol::methods::Notification;
use byokey_rpc::Observer;
use futures_util::future::join_all;

pub use account_host::AccountHost;
pub use peer::{Client, DEFAULT_REFRESH_TIMEOUT, Peer};

use crate::process::trace_protocol::ProtocolTrace;
use byokey_auth::PeerId;

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

    /// Sends a notification to the peers that know of several accounts.
    pub fn notify_aware<N: Notification>(&self, params: &N::Params)
    where
        N::Params: serde::Serialize,
    {
        for peer in self.connected().iter().filter(|peer| peer.knows_accounts()) {
            peer.notify::<N>(params);
        }
    }

    /// Sends a notification about one account: with its key to the peers that know of several, and
    /// without it to the others if it is the selected one.
    pub fn notify_account<N: Notification>(
        &self,
        params: &N::Params,
        is_selected: bool,
        keyed: impl FnOnce() -> N::Params,
    ) where
        N::Params: serde::Serialize,
    {
        let connected = self.connected();
        if is_selected {
            for peer in connected.iter().filter(|peer| !peer.knows_accounts()) {
                peer.notify::<N>(params);
            }
        }
        let mut aware = connected.iter().filter(|peer| peer.knows_accounts());
        if let Some(first) = aware.next() {
            let params = keyed();
            for peer in std::iter::once(first).chain(aware) {
                peer.notify::<N>(&params);
            }
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
