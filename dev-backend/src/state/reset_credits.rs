//! The credits that were spent, and the attempts that spent them.

use std::collections::BTreeMap;

/// The spent credits by the key of the attempt.
#[derive(Default)]
pub(crate) struct SpentCredits(BTreeMap<String, u64>);

impl SpentCredits {
    /// Returns how many credits are spent.
    pub(crate) fn count(&self) -> u64 {
        u64::try_from(self.0.len()).unwrap_or(u64::MAX)
    }

    /// Returns whether the credit of this number is spent.
    pub(crate) fn contains(&self, number: u64) -> bool {
        self.0.values().any(|spent| *spent == number)
    }

    /// Returns whether an attempt with this key spent a credit.
    pub(crate) fn has_key(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Records that an attempt spent a credit.
    pub(crate) fn add(&mut self, key: &str, number: u64) {
        self.0.insert(key.to_owned(), number);
    }
}
