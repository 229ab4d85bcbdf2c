//! Gates: hold the responses of a route until the test releases them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::request::route::Route;

/// Holds every response of one route until it is released; created by
/// [`DevBackend::hold`](crate::DevBackend::hold).
///
/// A held request counts as arrived but is not decided yet: whether its bearer is refused, and
/// which step of the script it gets, is decided when the gate opens. Dropping the gate opens it, so
/// that a failed test ends.
#[derive(Debug)]
#[must_use = "a gate opens when it is dropped"]
pub struct Gate(Arc<Barrier>);

impl Gate {
    /// Returns how many requests have arrived while this gate was closed.
    pub fn arrived(&self) -> usize {
        *self.0.arrived.borrow()
    }

    /// Waits until `count` requests have arrived.
    pub async fn wait_for(&self, count: usize) {
        // The sender cannot be gone: this gate holds it.
        let _ = self
            .0
            .arrived
            .subscribe()
            .wait_for(|arrived| *arrived >= count)
            .await;
    }

    /// Releases every held request, and all later ones.
    pub fn release(&self) {
        self.0.open.send_replace(true);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.release();
    }
}

/// The gate, on the side of the requests.
#[derive(Debug, Default)]
struct Barrier {
    arrived: watch::Sender<usize>,
    open: watch::Sender<bool>,
}

/// The newest gate of each route.
#[derive(Debug, Default)]
pub(crate) struct Gates(Mutex<BTreeMap<Route, Arc<Barrier>>>);

impl Gates {
    /// Closes `route`. Requests held by an earlier gate stay with that one.
    pub(crate) fn close(&self, route: Route) -> Gate {
        let barrier = Arc::<Barrier>::default();
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        gates.insert(route, Arc::clone(&barrier));
        Gate(barrier)
    }

    /// Waits until `route` is open.
    pub(crate) async fn pass(&self, route: Route) {
        let barrier = {
            let gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            gates.get(&route).map(Arc::clone)
        };
        let Some(barrier) = barrier else { return };
        if *barrier.open.borrow() {
            return;
        }
        barrier.arrived.send_modify(|arrived| *arrived += 1);
        // The sender cannot be gone: `barrier` holds it.
        let _ = barrier.open.subscribe().wait_for(|open| *open).await;
    }
}
