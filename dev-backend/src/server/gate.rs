//! Holding the answers of a route back until a test lets them go.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::request::route::Route;

/// Holds every answer of one route until it is released; made by
/// [`DevBackend::hold`](crate::DevBackend::hold).
///
/// A held request counts as arrived but is not yet judged: whether its bearer is refused, and which
/// step of the script it gets, is decided when the gate opens. Dropping the gate opens it, so that
/// a failed test ends.
#[derive(Debug)]
#[must_use = "a gate opens when it is dropped"]
pub struct Gate(Arc<Barrier>);

impl Gate {
    /// How many requests have arrived at this gate while it was closed.
    pub fn arrived(&self) -> usize {
        *self.0.arrived.borrow()
    }

    /// Waits until `count` requests have arrived.
    pub async fn wait_for(&self, count: usize) {
        // An error would mean that the sender is gone, and this gate holds it.
        let _ = self
            .0
            .arrived
            .subscribe()
            .wait_for(|arrived| *arrived >= count)
            .await;
    }

    /// Lets go of every held request, and of all that come later.
    pub fn release(&self) {
        self.0.open.send_replace(true);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.release();
    }
}

/// The gate as the requests see it.
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
        // An error would mean that the sender is gone, and `barrier` holds it.
        let _ = barrier.open.subscribe().wait_for(|open| *open).await;
    }
}
