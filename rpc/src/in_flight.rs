//! The requests of one peer that are in flight.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use byokey_protocol::request_id::RequestId;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// Most requests of one peer in flight. Each takes some 4 KiB. Back-pressure is no alternative: the
/// response that they wait for may arrive on the same stream.
const MAX_IN_FLIGHT: usize = 12_288;

/// The requests of one peer that are in flight.
#[derive(Debug, Default)]
pub struct InFlight {
    requests: Mutex<HashMap<RequestId, AbortHandle>>,
    answered: Notify,
}

impl InFlight {
    /// Returns whether a request with this id is in flight.
    #[must_use]
    pub fn contains(&self, id: &RequestId) -> bool {
        self.requests().contains_key(id)
    }

    /// Returns whether the limit is reached.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.requests().len() >= MAX_IN_FLIGHT
    }

    /// Returns whether no request is in flight.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requests().is_empty()
    }

    /// Spawns the task that will answer.
    pub(crate) fn start<F>(&self, id: RequestId, task: impl FnOnce(RequestId) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        // The lock is held until the entry is inserted, so that the task finds it.
        let mut requests = self.requests();
        if let Entry::Vacant(entry) = requests.entry(id) {
            let task = task(entry.key().clone());
            entry.insert(tokio::spawn(task).abort_handle());
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
        let given_up = std::mem::take(&mut *self.requests());
        self.announce();
        given_up
            .into_iter()
            .map(|(id, task)| {
                task.abort();
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

    fn requests(&self) -> MutexGuard<'_, HashMap<RequestId, AbortHandle>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
