//! The requests of one peer that are not answered yet.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use byokey_protocol::request_id::RequestId;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// Most requests of one peer that may wait for the backend. Each takes some 4 KiB, and reading
/// cannot stop instead: the answer that they wait for may come on the same stream.
const MAX_IN_FLIGHT: usize = 12_288;

/// The requests of one peer that are not answered yet.
#[derive(Debug, Default)]
pub struct InFlight {
    requests: Mutex<HashMap<RequestId, AbortHandle>>,
    answered: Notify,
}

impl InFlight {
    /// Whether a request with that id waits for its answer.
    #[must_use]
    pub fn contains(&self, id: &RequestId) -> bool {
        self.requests().contains_key(id)
    }

    /// Whether no more may wait.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.requests().len() >= MAX_IN_FLIGHT
    }

    /// Whether none waits for its answer.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requests().is_empty()
    }

    /// Starts the task that will answer.
    pub(crate) fn start<F>(&self, id: RequestId, task: impl FnOnce(RequestId) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        // The lock is held until the entry stands, so that the task finds it.
        let mut requests = self.requests();
        if let Entry::Vacant(entry) = requests.entry(id) {
            let task = task(entry.key().clone());
            entry.insert(tokio::spawn(task).abort_handle());
        }
    }

    /// Takes a request out. The caller that gets `true` owes the answer.
    pub(crate) fn finish(&self, id: &RequestId) -> bool {
        self.requests().remove(id).is_some()
    }

    /// Wakes [`InFlight::drained`], because an answer was given.
    pub(crate) fn announce(&self) {
        self.answered.notify_one();
    }

    /// Gives a request up. The caller that gets `true` owes the answer.
    pub fn cancel(&self, id: &RequestId) -> bool {
        let cancelled = self.requests().remove(id);
        if let Some(task) = &cancelled {
            task.abort();
            self.announce();
        }
        cancelled.is_some()
    }

    /// Gives all requests up. The caller that gets their ids owes the answers.
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
