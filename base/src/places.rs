//! A bounded number of places for those that have not shown yet what they want: slowloris clients
//! and the like. A new one is always let in; where there is no place, the oldest has to leave.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

/// A bounded number of places.
#[derive(Debug)]
pub struct Places {
    most: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    /// By their number, hence by their age.
    occupants: BTreeMap<u64, Occupant>,
}

#[derive(Debug)]
struct Occupant {
    since: Instant,
    eviction: Arc<Notify>,
}

/// One place. It is free again when the value goes, or when it is released.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    number: u64,
    eviction: Arc<Notify>,
}

impl Places {
    /// Returns so many places, all free.
    #[must_use]
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            taken: Mutex::default(),
        })
    }

    /// Takes a place. If there is none left, the oldest occupant is evicted.
    #[must_use]
    pub fn enter(self: &Arc<Self>) -> Place {
        let eviction = Arc::<Notify>::default();
        let mut taken = self.taken();
        if taken.occupants.len() >= self.most {
            taken.evict_oldest();
        }
        let number = taken.next;
        taken.next += 1;
        let occupant = Occupant {
            since: Instant::now(),
            eviction: Arc::clone(&eviction),
        };
        taken.occupants.insert(number, occupant);
        drop(taken);
        Place {
            places: Arc::clone(self),
            number,
            eviction,
        }
    }

    /// Returns since when the oldest occupant has its place.
    #[must_use]
    pub fn oldest(&self) -> Option<Instant> {
        let taken = self.taken();
        let (_, oldest) = taken.occupants.first_key_value()?;
        Some(oldest.since)
    }

    /// Evicts the oldest occupant if it has its place since this moment or longer. Returns whether
    /// it does.
    pub fn evict_older_than(&self, moment: Instant) -> bool {
        let mut taken = self.taken();
        let is_old = |(_, oldest): (&u64, &Occupant)| oldest.since <= moment;
        taken.occupants.first_key_value().is_some_and(is_old) && taken.evict_oldest()
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn evict_oldest(&mut self) -> bool {
        let evicted = self.occupants.pop_first();
        evicted.is_some_and(|(_, occupant)| {
            occupant.eviction.notify_one();
            true
        })
    }
}

impl Place {
    /// Waits until the occupant has to leave.
    pub async fn evicted(&self) {
        self.eviction.notified().await;
    }

    /// Gives the place back. Returns whether the occupant still had it: one that was evicted has
    /// to leave.
    pub fn release(&self) -> bool {
        self.places.taken().occupants.remove(&self.number).is_some()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Places;

    #[tokio::test]
    async fn the_oldest_leaves_for_the_newest() {
        let places = Places::new(2);
        let (first, second) = (places.enter(), places.enter());
        let third = places.enter();
        first.evicted().await;
        assert!(!first.release(), "it was evicted");
        assert!(second.release() && third.release());
        assert!(!second.release(), "once is enough");
        assert!(places.oldest().is_none());
    }

    #[test]
    fn a_place_that_is_given_back_evicts_nothing() {
        let places = Places::new(1);
        drop(places.enter());
        let first = places.enter();
        assert!(first.release());
        let second = places.enter();
        assert!(second.release());
    }

    #[test]
    fn the_young_stay() {
        let places = Places::new(usize::MAX);
        let first = places.enter();
        let begun = places.oldest().unwrap();
        let earlier = begun.checked_sub(Duration::from_millis(1)).unwrap();
        assert!(!places.evict_older_than(earlier));
        assert!(places.evict_older_than(Instant::now()));
        assert!(!places.evict_older_than(Instant::now()), "there is none");
        assert!(!first.release());
    }
}
