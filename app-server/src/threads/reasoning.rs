//! The encrypted reasoning of a thread.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::backend::{MAX_THREAD_REASONING, OwnedReasoning};

/// The position of an item in the conversation: before this item of this turn.
pub(super) type Place = (usize, usize);

/// The reasoning of a thread, in the order of the conversation. It is wiped on drop, as all memory
/// of this process.
#[derive(Debug, Default)]
pub(super) struct ThreadReasoning {
    items: VecDeque<(Place, Arc<OwnedReasoning>)>,
    size: usize,
}

impl ThreadReasoning {
    /// Appends an item. The oldest ones are dropped if the total is over the limit.
    pub(super) fn add(&mut self, place: Place, reasoning: OwnedReasoning) {
        self.size += reasoning.item.size();
        self.items.push_back((place, Arc::new(reasoning)));
        while self.size > MAX_THREAD_REASONING
            && let Some((_, oldest)) = self.items.pop_front()
        {
            self.size -= oldest.item.size();
        }
    }

    /// Returns how many bytes all items take.
    pub(super) const fn size(&self) -> usize {
        self.size
    }

    /// Iterates over the items before that position.
    pub(super) fn before(&self, place: Place) -> impl Iterator<Item = Arc<OwnedReasoning>> {
        let items = self.items.iter().filter(move |(it, _)| *it == place);
        items.map(|(_, reasoning)| Arc::clone(reasoning))
    }

    /// Drops the items for which `is_kept` returns false. Returns whether there were any.
    pub(super) fn retain(&mut self, is_kept: impl Fn(&OwnedReasoning) -> bool) -> bool {
        let before = self.items.len();
        self.items.retain(|(_, reasoning)| is_kept(reasoning));
        let sizes = self
            .items
            .iter()
            .map(|(_, reasoning)| reasoning.item.size());
        self.size = sizes.sum();
        self.items.len() < before
    }
}
