//! Recorded requests.

use std::collections::BTreeMap;

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, HeaderMap};
use hyper::http::request::Parts;
use hyper::{Method, Uri};

use crate::jwt;
use crate::request::route::Route;

/// One request as it arrived. Its `Debug` form leaves the bearer out.
#[derive(Debug, Clone)]
pub struct RecordedRequest {
    /// The method.
    pub method: Method,
    /// The path, with the query if there was one.
    pub path: String,
    /// Its route; `None` if it was answered 404.
    pub route: Option<Route>,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body, verbatim.
    pub body: Bytes,
}

impl RecordedRequest {
    pub(crate) fn new(parts: Parts, body: Bytes) -> Self {
        let mut headers = parts.headers;
        if let Some(authorization) = headers.get_mut(AUTHORIZATION) {
            authorization.set_sensitive(true);
        }
        Self {
            route: Route::of(&parts.method, parts.uri.path()),
            path: path_and_query(&parts.uri),
            method: parts.method,
            headers,
            body,
        }
    }

    /// Returns the text of a header; `None` if it is absent or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the bearer of the `Authorization` header; `None` if the header is absent or has
    /// another scheme.
    pub fn bearer(&self) -> Option<&str> {
        let (scheme, bearer) = self.header(AUTHORIZATION.as_str())?.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then(|| bearer.trim())
            .filter(|it| !it.is_empty())
    }

    /// Parses the body as JSON.
    ///
    /// # Errors
    ///
    /// If the body is not JSON.
    pub fn json(&self) -> serde_json::Result<serde_json::Value> {
        serde_json::from_slice(&self.body)
    }

    /// Returns the path without the query.
    pub(crate) fn plain_path(&self) -> &str {
        self.path
            .split_once('?')
            .map_or(&*self.path, |(path, _)| path)
    }

    /// Returns the query; empty if there is none.
    pub(crate) fn query(&self) -> &str {
        self.path.split_once('?').map_or("", |(_, query)| query)
    }

    /// Returns the claims of the bearer, if it is a JWT.
    pub(crate) fn claims(&self) -> Option<serde_json::Value> {
        jwt::claims(self.bearer()?)
    }

    /// Returns a text from the bearer's auth claims, if the bearer is a JWT with it.
    pub(crate) fn auth_claim(&self, name: &str) -> Option<String> {
        let claims = self.claims()?;
        Some(claims.get(jwt::AUTH_CLAIM)?.get(name)?.as_str()?.to_owned())
    }
}

/// Returns path and query; HTTP/2 sends a whole URI.
fn path_and_query(uri: &Uri) -> String {
    uri.path_and_query()
        .map_or_else(|| uri.path().to_owned(), ToString::to_string)
}

/// All requests so far.
#[derive(Default)]
pub(crate) struct Journal {
    requests: Vec<RecordedRequest>,
    /// Counted apart from `requests`, which may be limited to none.
    counts: BTreeMap<Route, usize>,
}

impl Journal {
    /// Adds a request, and records it if fewer than `keep` are recorded.
    pub(crate) fn add(&mut self, request: RecordedRequest, keep: usize) {
        if let Some(route) = request.route {
            *self.counts.entry(route).or_default() += 1;
        }
        if self.requests.len() < keep {
            self.requests.push(request);
        }
    }

    pub(crate) fn requests(&self) -> &[RecordedRequest] {
        &self.requests
    }

    pub(crate) fn count(&self, route: Route) -> usize {
        self.counts.get(&route).copied().unwrap_or_default()
    }
}
