//! The requests of one peer that are in flight.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use byokey_protocol::request_id::RequestId;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::budget::Share;
use crate::limits::Limits;

/// Most bytes of the parameters of the requests of one peer in flight: handlers may hold them.
const MAX_IN_FLIGHT_BYTES: usize = 8 * 1024 * 1024;
/// What a request in flight takes of a budget besides its parameters: its task and its call.
const REQUEST_COST: usize = 6 * 1024;

/// The requests of one peer that are in flight.
#[derive(Debug)]
pub struct InFlight {
    requests: Mutex<Requests>,
    most: AtomicUsize,
    answered: Notify,
}

#[derive(Debug, Default)]
struct Requests {
    waiting: HashMap<RequestId, Waiting>,
    /// Bytes of the parameters of all of them.
    bytes: usize,
    /// What they take of the budget.
    share: Share,
}

#[derive(Debug)]
struct Waiting {
    task: AbortHandle,
    bytes: usize,
}

impl Default for InFlight {
    fn default() -> Self {
        Self {
            requests: Mutex::default(),
            most: AtomicUsize::new(Limits::default().max_in_flight),
            answered: Notify::new(),
        }
    }
}

impl Requests {
    fn remove(&mut self, id: &RequestId) -> Option<AbortHandle> {
        let Waiting { task, bytes } = self.waiting.remove(id)?;
        self.bytes -= bytes;
        self.share.resize(self.cost());
        Some(task)
    }

    fn cost(&self) -> usize {
        self.bytes + self.waiting.len() * REQUEST_COST
    }
}

impl InFlight {
    /// Returns whether a request with this id is in flight.
    #[must_use]
    pub fn contains(&self, id: &RequestId) -> bool {
        self.requests().waiting.contains_key(id)
    }

    /// Sets the limits of a connection.
    pub(crate) fn bound(&self, limits: &Limits) {
        self.most.store(limits.max_in_flight, Ordering::Relaxed);
        self.requests().share = Share::fixed(limits.budget.clone());
    }

    /// Returns whether a limit is reached, for a request whose parameters have this length. If not,
    /// the budget has room for it, which the request takes when it starts: many never do.
    #[must_use]
    pub fn is_full(&self, bytes: usize) -> bool {
        let mut requests = self.requests();
        if requests.waiting.len() >= self.most.load(Ordering::Relaxed)
            || requests.bytes.saturating_add(bytes) > MAX_IN_FLIGHT_BYTES
        {
            return true;
        }
        let cost = requests.cost();
        let has_room = requests.share.resize(cost + bytes + REQUEST_COST);
        requests.share.resize(cost);
        !has_room
    }

    /// Returns whether no request is in flight.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requests().waiting.is_empty()
    }

    /// Spawns the task that will answer a request whose parameters have this length.
    pub(crate) fn start<F>(&self, id: RequestId, bytes: usize, task: impl FnOnce(RequestId) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        // The lock is held until the entry is inserted, so that the task finds it.
        let mut requests = self.requests();
        if let Entry::Vacant(entry) = requests.waiting.entry(id) {
            let task = tokio::spawn(task(entry.key().clone())).abort_handle();
            entry.insert(Waiting { task, bytes });
            requests.bytes += bytes;
            // It has room: nothing else has run since `is_full` on this thread but the handler.
            let cost = requests.cost();
            requests.share.resize(cost);
        }
    }

    /// Removes a request. A caller that gets `true` owes the answer.
    pub(crate) fn finish(&self, id: &RequestId) -> bool {
        self.requests().remove(id).is_some()
    }

    /// Wakes [`InFlight::drained`] after an answer.
    pub(crate) fn announce(&self) {
        self.answered.notify_one();
    }

    /// Cancels a request. A caller that gets `true` owes the answer.
    pub fn cancel(&self, id: &RequestId) -> bool {
        let cancelled = self.requests().remove(id);
        if let Some(task) = &cancelled {
            task.abort();
            self.announce();
        }
        cancelled.is_some()
    }

    /// Cancels all requests. The caller owes an answer to each id returned.
    #[must_use = "a request that is given up is still owed an answer"]
    pub fn abandon(&self) -> Vec<RequestId> {
        let mut requests = self.requests();
        let given_up = std::mem::take(&mut requests.waiting);
        requests.bytes = 0;
        requests.share.resize(0);
        drop(requests);
        self.announce();
        given_up
            .into_iter()
            .map(|(id, waiting)| {
                waiting.task.abort();
                id
            })
            .collect()
    }

    /// Waits until every request is answered.
    pub async fn drained(&self) {
        while !self.is_empty() {
            self.answered.notified().await;
        }
    }

    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{InFlight, Limits, REQUEST_COST};
    use crate::budget::BufferBudget;

    const LONG: usize = 100_000;

    impl InFlight {
        fn bounded(limits: &Limits) -> Self {
            let in_flight = Self::default();
            in_flight.bound(limits);
            in_flight
        }
    }

    fn start(in_flight: &InFlight, id: i64) -> bool {
        let is_full = in_flight.is_full(LONG);
        if !is_full {
            in_flight.start(id.into(), LONG, |_| std::future::pending());
        }
        !is_full
    }

    #[tokio::test]
    async fn requests_of_several_connections_share_a_budget() {
        // Half of it is for them.
        let budget = BufferBudget::sized(2 * 4 * (LONG + REQUEST_COST), 0);
        let limits = Limits {
            budget: Some(budget),
            ..Limits::default()
        };
        let [one, other] = [(); 2].map(|()| InFlight::bounded(&limits));
        assert!(start(&one, 1) && start(&one, 2) && start(&other, 1) && start(&other, 2));
        assert!(!start(&one, 3) && !start(&other, 3));
        assert!(one.finish(&1.into()));
        assert!(start(&other, 3) && !start(&one, 1));
        assert_eq!(other.abandon().len(), 3);
        assert!(start(&one, 1) && start(&one, 3) && start(&one, 4) && !start(&one, 5));
        drop(one);
        assert!(!other.is_full(4 * LONG));
        assert!(start(&InFlight::bounded(&limits), 1), "asking took nothing");
    }
}
