//! Decides which bearers are refused.

use std::collections::{HashMap, HashSet};

/// Decides about bearers: all are accepted but the rejected and the used-up ones.
#[derive(Default)]
pub(crate) struct Bearers {
    rejected: HashSet<String>,
    /// How often each distinct bearer is accepted; `None` is unlimited.
    expire_after: Option<u64>,
    uses: HashMap<String, u64>,
    /// Whether a request needs no bearer.
    allow_anonymous: bool,
}

impl Bearers {
    pub(crate) fn new(rejected: HashSet<String>, expire_after: Option<u64>) -> Self {
        Self {
            rejected,
            expire_after,
            ..Self::default()
        }
    }

    /// Admits requests without a bearer.
    pub(crate) fn allow_anonymous(mut self, allowed: bool) -> Self {
        self.allow_anonymous = allowed;
        self
    }

    /// Refuses `bearer` from now on.
    pub(crate) fn reject(&mut self, bearer: String) {
        self.rejected.insert(bearer);
    }

    /// Accepts `bearer` again, as if it had never been used.
    pub(crate) fn accept(&mut self, bearer: &str) {
        self.rejected.remove(bearer);
        self.uses.remove(bearer);
    }

    /// Returns whether a request with this bearer is admitted, which does not count as a use of it.
    pub(crate) fn admit_uncounted(&self, bearer: Option<&str>) -> bool {
        let Some(bearer) = bearer else {
            return self.allow_anonymous;
        };
        let is_left = |limit| self.uses.get(bearer).copied().unwrap_or_default() < limit;
        !self.rejected.contains(bearer) && self.expire_after.is_none_or(is_left)
    }

    /// Returns whether a request with this bearer is admitted, and counts the use if so.
    pub(crate) fn admit(&mut self, bearer: Option<&str>) -> bool {
        let Some(bearer) = bearer else {
            return self.allow_anonymous;
        };
        if self.rejected.contains(bearer) {
            return false;
        }
        let Some(limit) = self.expire_after else {
            return true;
        };
        let uses = self.uses.entry(bearer.to_owned()).or_default();
        if *uses >= limit {
            return false;
        }
        *uses += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_without_bearer_is_refused() {
        assert!(!Bearers::default().admit(None));
        assert!(Bearers::default().admit(Some("any")));
        assert!(Bearers::default().allow_anonymous(true).admit(None));
    }

    #[test]
    fn each_bearer_has_its_own_number_of_uses() {
        let mut bearers = Bearers::new(HashSet::new(), Some(2));
        let mut admit = |bearer| bearers.admit(Some(bearer));
        assert_eq!([admit("a"), admit("a"), admit("a")], [true, true, false]);
        assert_eq!([admit("b"), admit("b"), admit("b")], [true, true, false]);
        bearers.accept("a");
        assert!(bearers.admit(Some("a")));
    }

    #[test]
    fn what_is_no_use_is_refused_as_uses_are() {
        let mut bearers = Bearers::new(HashSet::new(), Some(1));
        assert!(bearers.admit_uncounted(Some("a")) && bearers.admit_uncounted(Some("a")));
        assert!(bearers.admit(Some("a")));
        assert!(!bearers.admit_uncounted(Some("a")));
        assert!(!bearers.admit_uncounted(None));
    }

    #[test]
    fn a_refused_use_is_not_counted() {
        let mut bearers = Bearers::new(HashSet::from(["a".to_owned()]), Some(1));
        assert!(!bearers.admit(Some("a")));
        bearers.rejected.clear();
        assert!(bearers.admit(Some("a")));
    }
}
