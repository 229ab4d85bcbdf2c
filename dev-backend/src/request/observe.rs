//! The loggable part of a request: everything but the secret.

use std::fmt;

use hyper::{Method, StatusCode};
use sha2::{Digest, Sha256};

use crate::request::record::RecordedRequest;

/// One request and its outcome, for a log line.
///
/// Displays as `POST /v1/responses 200 #a1b2`. Neither the query nor the bearer is in it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The method.
    pub method: Method,
    /// The path, without the query.
    pub path: String,
    /// The outcome.
    pub outcome: Outcome,
    /// Distinguishes bearers; `None` if there was none.
    pub bearer: Option<Fingerprint>,
}

impl Exchange {
    pub(crate) fn new(request: &RecordedRequest, outcome: Outcome) -> Self {
        Self {
            method: request.method.clone(),
            path: request.plain_path().to_owned(),
            outcome,
            bearer: request.bearer().map(Fingerprint::of),
        }
    }
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.method, self.path, self.outcome)?;
        match self.bearer {
            Some(bearer) => write!(f, " {bearer}"),
            None => f.write_str(" (no bearer)"),
        }
    }
}

/// The outcome of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A response with this status. Its stream may still be in progress.
    Status(StatusCode),
    /// Nothing: the connection stays open and silent.
    Hang,
    /// Nothing: the connection is closed.
    Drop,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => f.write_str(status.as_str()),
            Self::Hang => f.write_str("hang"),
            Self::Drop => f.write_str("drop"),
        }
    }
}

/// Distinguishes bearers without showing them: the first four hex digits of the bearer's SHA-256.
///
/// Displays as `#a1b2`; `printf %s "$TOKEN" | sha256sum | cut -c 1-4` gives the same digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 2]);

impl Fingerprint {
    /// The fingerprint of `bearer`.
    pub fn of(bearer: &str) -> Self {
        let hash = Sha256::digest(bearer);
        Self([hash[0], hash[1]])
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.0;
        write!(f, "#{first:02x}{second:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_the_start_of_the_sha256() {
        // From `printf %s abc | sha256sum`.
        assert_eq!(Fingerprint::of("abc").to_string(), "#ba78");
    }
}
