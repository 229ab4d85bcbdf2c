//! What a gateway has counted: the requests of each route, and those of none.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use http::Method;
use serde::Serialize;

use super::routes::ROUTES;

/// Most paths without a route that are counted by name; the rest is counted together.
const MAX_PATHS: usize = 64;
/// Longest path that is counted by name.
const MAX_PATH: usize = 128;

/// The counters of a gateway.
#[derive(Debug)]
pub struct Counts {
    /// By the number of the route.
    routes: Vec<AtomicU64>,
    refused: AtomicU64,
    unrouted: AtomicU64,
    /// The last lookup of a workspace's routing that a request did without.
    went_without: AtomicU64,
    unknown: Mutex<Unknown>,
}

#[derive(Debug, Default)]
struct Unknown {
    paths: BTreeMap<String, u64>,
    others: u64,
}

/// The counters, for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Admitted requests, by route.
    routes: BTreeMap<String, u64>,
    /// Admitted requests without a route, by path.
    unknown: BTreeMap<String, u64>,
    /// Those with paths that are too many or too long.
    unknown_others: u64,
    /// Requests that were not admitted: of web pages, to other names, without the bearer.
    refused: u64,
    /// Model requests that went to the default backend, since the routing of the workspace was not
    /// known.
    unrouted: u64,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            routes: ROUTES.iter().map(|_| AtomicU64::default()).collect(),
            refused: AtomicU64::default(),
            unrouted: AtomicU64::default(),
            went_without: AtomicU64::default(),
            unknown: Mutex::default(),
        }
    }
}

impl Counts {
    /// Counts a request that was not admitted.
    pub(super) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a model request that went to the default backend. Returns whether it is the first
    /// that did without this lookup.
    pub(super) fn unrouted(&self, lookup: u64) -> bool {
        self.unrouted.fetch_add(1, Ordering::Relaxed);
        self.went_without.swap(lookup, Ordering::Relaxed) != lookup
    }

    /// Counts a request of this route.
    pub(super) fn route(&self, number: usize) {
        if let Some(count) = self.routes.get(number) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a request without a route. Returns whether it is the first with its path.
    pub(super) fn unknown(&self, method: &Method, path: &str) -> bool {
        let name = format!("{method} {path}");
        let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b" /._-".contains(&byte);
        if let Some(count) = unknown.paths.get_mut(&name) {
            *count += 1;
        } else if unknown.paths.len() < MAX_PATHS
            && name.len() <= MAX_PATH
            && name.bytes().all(is_plain)
        {
            unknown.paths.insert(name, 1);
            return true;
        } else {
            unknown.others += 1;
        }
        false
    }

    /// Returns the counters.
    #[must_use]
    pub fn report(&self) -> Report {
        let counts = self
            .routes
            .iter()
            .map(|count| count.load(Ordering::Relaxed));
        let name = |route: &super::routes::Route| format!("{} {}", route.method, route.path);
        let unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        Report {
            routes: ROUTES
                .iter()
                .map(name)
                .zip(counts)
                .filter(|(_, count)| *count > 0)
                .collect(),
            unknown: unknown.paths.clone(),
            unknown_others: unknown.others,
            refused: self.refused.load(Ordering::Relaxed),
            unrouted: self.unrouted.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_counted_by_name_within_bounds() {
        let counts = Counts::default();
        assert!(counts.unknown(&Method::GET, "/made-up"));
        assert!(!counts.unknown(&Method::GET, "/made-up"));
        assert!(!counts.unknown(&Method::GET, "/with%20more"));
        for number in 0..100 {
            counts.unknown(&Method::POST, &format!("/{number}"));
        }
        let report = counts.report();
        assert_eq!(report.unknown["GET /made-up"], 2);
        assert_eq!(report.unknown.len(), MAX_PATHS);
        assert_eq!(report.unknown_others, 1 + 100 - 63);
    }

    #[test]
    fn a_lookup_that_requests_do_without_is_reported_once() {
        let counts = Counts::default();
        let reported = [1, 1, 2, 2].map(|lookup| counts.unrouted(lookup));
        assert_eq!(reported, [true, false, true, false]);
        assert_eq!(counts.report().unrouted, 4);
    }
}
