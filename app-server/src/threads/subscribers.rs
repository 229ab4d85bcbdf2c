//! The connections that a thread's events go to, and when it is unloaded without them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use byokey_auth::PeerId;

/// The connections that started or resumed a thread. A connection leaves when it ends; until then
/// it may read and delete the thread, even if it has unsubscribed.
#[derive(Debug)]
pub struct Subscribers(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Whether each of them is subscribed.
    connections: Vec<(PeerId, bool)>,
    let_go: Option<LetGo>,
}

/// The last subscriber has unsubscribed. A connection that merely ends lets nothing go: the thread
/// is only in memory, and the same host may return for it.
#[derive(Clone, Copy, Debug)]
struct LetGo {
    /// That time, or the end of a later turn.
    since: Instant,
    delay: Duration,
}

impl Subscribers {
    /// Returns the subscription of the connection that starts the thread.
    #[must_use]
    pub fn new(peer: PeerId) -> Self {
        Self(Mutex::new(State {
            connections: vec![(peer, true)],
            let_go: None,
        }))
    }

    /// Subscribes a connection. A thread that was let go stays loaded.
    pub fn join(&self, peer: PeerId) {
        let mut state = self.state();
        state.let_go = None;
        state.connections.retain(|(other, _)| *other != peer);
        state.connections.push((peer, true));
    }

    /// Unsubscribes a connection. If it was the last subscriber, the thread is unloaded after this
    /// delay. Returns whether it was subscribed.
    pub fn unsubscribe(&self, peer: PeerId, delay: Duration) -> bool {
        let mut state = self.state();
        let mut subscription = state.connections.iter_mut();
        let Some((_, subscribed)) = subscription.find(|it| **it == (peer, true)) else {
            return false;
        };
        *subscribed = false;
        if !state.connections.iter().any(|(_, subscribed)| *subscribed) {
            let since = Instant::now();
            state.let_go = Some(LetGo { since, delay });
        }
        true
    }

    /// Removes a connection that has ended.
    pub fn forget(&self, peer: PeerId) {
        self.state().connections.retain(|(other, _)| *other != peer);
    }

    /// Returns whether the thread's events go to that connection.
    #[must_use]
    pub fn is_subscribed(&self, peer: PeerId) -> bool {
        self.state().connections.contains(&(peer, true))
    }

    /// Returns whether that connection started or resumed the thread.
    #[must_use]
    pub fn has_joined(&self, peer: PeerId) -> bool {
        let state = self.state();
        state.connections.iter().any(|(other, _)| *other == peer)
    }

    /// Returns when a thread that was let go is unloaded, unless it is used meanwhile.
    #[must_use]
    pub fn unload_at(&self) -> Option<Instant> {
        let LetGo { since, delay } = self.state().let_go?;
        since.checked_add(delay)
    }

    /// Records the end of a turn, from which the delay counts.
    pub(super) fn turn_ended(&self) {
        if let Some(let_go) = &mut self.state().let_go {
            let_go.since = Instant::now();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
