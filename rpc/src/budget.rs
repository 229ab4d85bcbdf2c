//! The bytes that all connections of a listener may buffer together.
//!
//! Limits of one connection do not bound a client that opens all of them. Each buffer of a connection
//! (unfinished input, parameters of requests in flight, unread output) has an allowance of its own.
//! What it takes beyond that comes out of one budget. Ordinary messages never do.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Bytes of a budget, unless two of the longest messages are more.
const BUDGET: usize = 8 * 1024 * 1024;
/// The allowances of one kind of buffer, of all connections together.
const ALLOWANCES: usize = 1024 * 1024;
/// The allowance of one buffer, unless there may be many connections.
const MAX_ALLOWANCE: usize = 32 * 1024;
/// The allowance of one buffer, however many connections there may be.
const MIN_ALLOWANCE: usize = 8 * 1024;
/// How long a buffer keeps what it holds although others, which hold as much or more, need it.
const MIN_HOLD: Duration = Duration::from_secs(2);

/// How much less a buffer has to hold to count as one that goes on.
const PROGRESS: usize = 16 * 1024;

/// A budget of bytes, shared by the connections of a listener.
#[derive(Debug)]
pub struct BufferBudget {
    most: usize,
    allowance: usize,
    holders: Mutex<Holders>,
}

#[derive(Debug, Default)]
struct Holders {
    next: u64,
    held: usize,
    /// The part of it that cannot be taken back.
    fixed: usize,
    /// Few, in the order of their numbers.
    all: Vec<Holder>,
}

#[derive(Debug)]
struct Holder {
    number: u64,
    bytes: usize,
    since: Instant,
    /// Notified when the holder loses what it holds. None if it cannot.
    eviction: Option<Arc<Notify>>,
}

/// What one buffer holds of a budget; it goes back on drop. Without a budget, everything fits.
#[derive(Debug, Default)]
pub(crate) struct Share {
    budget: Option<Arc<BufferBudget>>,
    eviction: Option<Arc<Notify>>,
    /// While it holds something. The budget does not know it any more after an eviction.
    number: Option<u64>,
}

impl BufferBudget {
    /// Returns a budget for so many connections with messages of up to `max_message` bytes.
    #[must_use]
    pub fn new(max_connections: usize, max_message: usize) -> Self {
        let allowance = ALLOWANCES / max_connections.max(1);
        Self {
            most: BUDGET.max(max_message.saturating_mul(2)),
            allowance: allowance.clamp(MIN_ALLOWANCE, MAX_ALLOWANCE),
            holders: Mutex::default(),
        }
    }

    /// Returns a budget of this size.
    #[cfg(test)]
    pub(crate) fn sized(most: usize, allowance: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            allowance,
            holders: Mutex::default(),
        })
    }

    fn holders(&self) -> MutexGuard<'_, Holders> {
        self.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Returns the share of a buffer that may be evicted, which is then notified.
    pub(crate) fn evictable(budget: Option<Arc<BufferBudget>>, eviction: Arc<Notify>) -> Self {
        Self {
            budget,
            eviction: Some(eviction),
            number: None,
        }
    }

    /// Returns the share of a buffer that keeps what it holds. All of this kind hold at most half
    /// of the budget.
    pub(crate) const fn fixed(budget: Option<Arc<BufferBudget>>) -> Self {
        Self {
            budget,
            eviction: None,
            number: None,
        }
    }

    /// Sets the size of the buffer. Returns whether it may have it: a smaller size always, unless
    /// the buffer was evicted. One that may not keeps what it holds.
    #[inline]
    pub(crate) fn resize(&mut self, bytes: usize) -> bool {
        match &self.budget {
            None => true,
            Some(budget) if self.number.is_none() && bytes <= budget.allowance => true,
            Some(budget) => {
                let wanted = bytes.saturating_sub(budget.allowance);
                let mut holders = budget.holders();
                let (number, fits) =
                    holders.resize(self.number, wanted, budget.most, self.eviction.as_ref());
                drop(holders);
                self.number = number;
                fits
            }
        }
    }

    /// Returns whether the buffer is larger than its allowance.
    pub(crate) const fn is_held(&self) -> bool {
        self.number.is_some()
    }

    /// Returns whether the buffer was evicted, and has not given up its content yet.
    pub(crate) fn is_evicted(&self) -> bool {
        let (Some(budget), Some(number)) = (&self.budget, self.number) else {
            return false;
        };
        budget.holders().find(number).is_none()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.resize(0);
    }
}

impl Holders {
    fn find(&self, number: u64) -> Option<usize> {
        self.all.iter().position(|holder| holder.number == number)
    }

    /// Sets what a holder has. Returns its number from now on, and whether it fits.
    fn resize(
        &mut self,
        number: Option<u64>,
        wanted: usize,
        most: usize,
        eviction: Option<&Arc<Notify>>,
    ) -> (Option<u64>, bool) {
        let own = number.map(|number| self.find(number));
        let before = match own {
            None => 0,
            Some(Some(at)) => self.all.get(at).map_or(0, |holder| holder.bytes),
            // Evicted: it begins anew once it has given up its content.
            Some(None) => return (number.filter(|_| wanted > 0), wanted == 0),
        };
        if wanted == 0 {
            if let Some(Some(at)) = own {
                drop(self.remove(at));
            }
            return (None, true);
        }
        let more = wanted.saturating_sub(before);
        let is_fixed = eviction.is_none();
        if is_fixed && more > (most / 2).saturating_sub(self.fixed) {
            return (number, false);
        }
        if more > 0 && !self.make_room(more, wanted, most, number) {
            return (number, false);
        }
        let since = Instant::now();
        let number = number.unwrap_or_else(|| {
            self.next += 1;
            self.all.push(Holder {
                number: self.next,
                bytes: 0,
                since,
                eviction: eviction.cloned(),
            });
            self.next
        });
        // Others may have left, so that its place is another one.
        let holder = self.find(number).and_then(|at| self.all.get_mut(at));
        if let Some(holder) = holder {
            holder.bytes = wanted;
            if before >= wanted + PROGRESS {
                holder.since = since;
            }
        }
        self.held = self.held + wanted - before;
        if is_fixed {
            self.fixed = self.fixed + wanted - before;
        }
        (Some(number), true)
    }

    /// Evicts others for a holder that then has `wanted` bytes, if that is enough: the largest of
    /// those that have held theirs for long, else of those that hold more. So none can hold up the
    /// others by not going on, and each can have its part while all go on.
    fn make_room(&mut self, more: usize, wanted: usize, most: usize, own: Option<u64>) -> bool {
        let mut missing = self.held.saturating_add(more).saturating_sub(most);
        if missing == 0 {
            return true;
        }
        let now = Instant::now();
        // Of those that may leave, the one to leave first is the greatest.
        let rank = |holder: &Holder| {
            let is_old = now.duration_since(holder.since) >= MIN_HOLD;
            let may_leave = Some(holder.number) != own
                && holder.eviction.is_some()
                && (is_old || holder.bytes > wanted);
            may_leave.then_some((is_old, holder.bytes))
        };
        let leaving = self.all.iter().filter_map(rank).map(|(_, bytes)| bytes);
        if leaving.sum::<usize>() < missing {
            return false;
        }
        while missing > 0 {
            let mut first = None;
            for (at, holder) in self.all.iter().enumerate() {
                if let Some(rank) = rank(holder)
                    && first.is_none_or(|(most, _)| rank > most)
                {
                    first = Some((rank, at));
                }
            }
            let Some(((_, bytes), at)) = first else {
                return false;
            };
            missing = missing.saturating_sub(bytes);
            if let Some(eviction) = self.remove(at) {
                eviction.notify_one();
            }
        }
        true
    }

    fn remove(&mut self, at: usize) -> Option<Arc<Notify>> {
        let holder = self.all.remove(at);
        self.held -= holder.bytes;
        if holder.eviction.is_none() {
            self.fixed -= holder.bytes;
        }
        holder.eviction
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Notify;

    use super::{BUDGET, BufferBudget, MAX_ALLOWANCE, MIN_ALLOWANCE, MIN_HOLD, Share};

    const MIB: usize = 1024 * 1024;

    fn budget() -> Arc<BufferBudget> {
        Arc::new(BufferBudget::new(32, 4 * MIB))
    }

    fn share(budget: &Arc<BufferBudget>) -> Share {
        Share::evictable(Some(Arc::clone(budget)), Arc::default())
    }

    fn held(budget: &BufferBudget) -> usize {
        budget.holders().held
    }

    #[test]
    fn only_what_exceeds_the_allowance_comes_out_of_the_budget() {
        let budget = budget();
        let mut one = share(&budget);
        assert!(one.resize(MAX_ALLOWANCE) && !one.is_held());
        assert!(one.resize(MAX_ALLOWANCE + 10) && one.is_held());
        assert_eq!(held(&budget), 10);
        assert!(one.resize(MAX_ALLOWANCE) && !one.is_held());
        assert_eq!(held(&budget), 0);
        assert!(one.resize(2 * MAX_ALLOWANCE));
        drop(one);
        assert_eq!(held(&budget), 0, "it goes back");
    }

    #[test]
    fn the_size_follows_the_connections_and_the_longest_message() {
        let of = |connections, message| {
            let budget = BufferBudget::new(connections, message);
            (budget.allowance, budget.most)
        };
        assert_eq!(of(1, MIB), (MAX_ALLOWANCE, BUDGET));
        assert_eq!(of(64, 4 * MIB), (16 * 1024, BUDGET));
        assert_eq!(of(100_000, 16 * MIB), (MIN_ALLOWANCE, 32 * MIB));
        assert!(Share::default().resize(usize::MAX), "no budget, no limit");
    }

    #[tokio::test(start_paused = true)]
    async fn the_one_that_would_hold_the_most_is_refused() {
        let budget = budget();
        let (mut first, mut second, mut third) = (share(&budget), share(&budget), share(&budget));
        assert!(first.resize(4 * MIB) && second.resize(4 * MIB));
        assert!(!second.resize(5 * MIB), "none holds more than it would");
        assert!(!second.is_evicted() && held(&budget) < BUDGET, "and keeps");
        assert!(third.resize(3 * MIB), "two others hold more");
        assert!(first.is_evicted() != second.is_evicted());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_held_for_long_makes_room() {
        let budget = budget();
        let eviction = Arc::<Notify>::default();
        let mut old = Share::evictable(Some(Arc::clone(&budget)), Arc::clone(&eviction));
        assert!(old.resize(4 * MIB));
        tokio::time::advance(MIN_HOLD / 2).await;
        let (mut young, mut next) = (share(&budget), share(&budget));
        assert!(young.resize(4 * MIB));
        assert!(!next.resize(5 * MIB), "none is old yet");
        tokio::time::advance(MIN_HOLD / 2).await;
        assert!(!next.resize(8 * MIB), "more than the old one holds");
        assert!(!old.is_evicted(), "not in vain");
        assert!(next.resize(4 * MIB));
        eviction.notified().await;
        assert!(old.is_evicted() && !young.is_evicted());
        assert!(!old.resize(4 * MIB), "it has to give up its content");
        assert!(old.resize(0) && !old.is_evicted());
        assert!(old.resize(MAX_ALLOWANCE + 1), "then it begins anew");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_goes_on_keeps_what_it_holds() {
        let budget = budget();
        let mut reader = share(&budget);
        assert!(reader.resize(4 * MIB));
        for _ in 0..4 {
            tokio::time::advance(MIN_HOLD / 2).await;
            assert!(reader.resize(3 * MIB) && reader.resize(4 * MIB));
        }
        let (mut one, mut other) = (share(&budget), share(&budget));
        assert!(one.resize(4 * MIB) && !other.resize(5 * MIB));
        tokio::time::advance(MIN_HOLD).await;
        assert!(reader.resize(4 * MIB - 1), "a byte is not much");
        assert!(other.resize(4 * MIB));
        assert!(reader.is_evicted() || one.is_evicted());
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_taken_back_is_at_most_half() {
        let budget = budget();
        let mut fixed = Share::fixed(Some(Arc::clone(&budget)));
        assert!(fixed.resize(4 * MIB));
        assert!(!fixed.resize(5 * MIB));
        tokio::time::advance(2 * MIN_HOLD).await;
        let mut other = Share::fixed(Some(Arc::clone(&budget)));
        assert!(!other.resize(MIB), "together");
        let mut input = share(&budget);
        assert!(input.resize(4 * MIB) && !input.resize(5 * MIB));
        assert!(!fixed.is_evicted());
    }
}
