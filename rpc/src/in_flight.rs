//! The requests of one peer that are in flight.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use byokey_protocol::request_id::RequestId;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::limits::Limits;

/// Most bytes of the parameters of the requests of one peer in flight: handlers may hold them.
const MAX_IN_FLIGHT_BYTES: usize = 8 * 1024 * 1024;

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
        Some(task)
    }
}

impl InFlight {
    /// Returns whether a request with this id is in flight.
    #[must_use]
    pub fn contains(&self, id: &RequestId) -> bool {
        self.requests().waiting.contains_key(id)
    }

    /// Sets the limit of requests in flight.
    pub(crate) fn set_most(&self, most: usize) {
        self.most.store(most, Ordering::Relaxed);
    }

    /// Returns whether a limit is reached, for a request whose parameters have this length.
    #[must_use]
    pub fn is_full(&self, bytes: usize) -> bool {
        let requests = self.requests();
        requests.waiting.len() >= self.most.load(Ordering::Relaxed)
            || requests.bytes.saturating_add(bytes) > MAX_IN_FLIGHT_BYTES
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
            .waiting
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
