//! The pending changes of the account requested by one peer. Reads queued after a pending change
//! are answered after it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

/// Most pending changes of one peer. Each may hold a connection to the issuer.
const MAX_CHANGES: usize = 16;

/// The pending changes, by number.
#[derive(Debug, Default)]
pub struct Changes {
    next: AtomicU64,
    under_way: watch::Sender<BTreeSet<u64>>,
}

/// A pending change. It ends on drop.
#[derive(Debug)]
pub(super) struct Change {
    changes: Arc<Changes>,
    number: u64,
}

impl Changes {
    /// Returns whether the limit is reached.
    pub(super) fn are_full(&self) -> bool {
        self.under_way.borrow().len() >= MAX_CHANGES
    }

    /// Registers a change.
    pub(super) fn begin(self: &Arc<Self>) -> Change {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.under_way.send_modify(|under_way| {
            under_way.insert(number);
        });
        Change {
            changes: Arc::clone(self),
            number,
        }
    }

    /// Records a synchronous change. Earlier ones can no longer take effect.
    pub(super) fn supersede(self: &Arc<Self>) {
        self.begin().made();
    }

    /// Waits for the pending changes; `None` without any.
    pub(super) fn settled(self: &Arc<Self>) -> Option<impl Future<Output = ()> + use<>> {
        let last = *self.under_way.borrow().last()?;
        let changes = Arc::clone(self);
        Some(async move {
            let mut under_way = changes.under_way.subscribe();
            let are_over =
                |under_way: &BTreeSet<u64>| under_way.first().is_none_or(|first| *first > last);
            // `self` owns the sender.
            drop(under_way.wait_for(are_over).await);
        })
    }
}

impl Change {
    /// Records that the change was made. Earlier ones can no longer take effect.
    pub(super) fn made(self) {
        self.changes
            .under_way
            .send_modify(|under_way| under_way.retain(|number| *number > self.number));
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        self.changes.under_way.send_modify(|under_way| {
            under_way.remove(&self.number);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt as _;

    use super::Changes;

    #[test]
    fn a_read_waits_for_what_was_asked_before_it_and_for_nothing_else() {
        let changes = Arc::<Changes>::default();
        assert!(changes.settled().is_none());
        let first = changes.begin();
        let mut read = Box::pin(changes.settled().unwrap());
        let later = changes.begin();
        assert!(read.as_mut().now_or_never().is_none());
        drop(first);
        assert!(read.as_mut().now_or_never().is_some());
        let mut read = Box::pin(changes.settled().unwrap());
        assert!(read.as_mut().now_or_never().is_none());
        later.made();
        assert!(read.as_mut().now_or_never().is_some());
    }

    #[test]
    fn a_change_that_was_made_ends_the_wait_for_those_before_it() {
        let changes = Arc::<Changes>::default();
        let slow = changes.begin();
        let mut read = Box::pin(changes.settled().unwrap());
        let newer = changes.begin();
        assert!(read.as_mut().now_or_never().is_none());
        changes.supersede();
        assert!(changes.settled().is_none());
        assert!(read.as_mut().now_or_never().is_some());
        drop((slow, newer));
        assert!(changes.settled().is_none());
    }
}
