//! Retry policy: what ends an attempt, and what is retried.
//!
//! | what happened | what follows | why |
//! |---|---|---|
//! | `response.completed` | the end | |
//! | `response.incomplete` | the end | the same request is cut or filtered again, and paid again |
//! | a reason of [`Reason`]'s table | as the table says | |
//! | an error with an unknown code | the end | a backend that names its reason means it |
//! | a failure without a reason | again | the backend lost its response |
//! | stream closed, silent or broken | again | the network lost it |
//! | a limit exceeded, an event that cannot be read | the end | the same sender does it again |
//! | 408, 409, 429, 5xx | again | transient; 429 with a usage limit has its reason |
//! | 404 without a body | again, twice at most | an outage, or a wrong URL |
//! | 401 | the end | a renewal was tried before |
//! | any other 3xx or 4xx | the end | the request is at fault, and stays so |
//! | no connection, no answer | again | |
//! | a certificate, a setting, the login | the end | the user must act |
//!
//! A wait that the backend requests is respected up to a limit; a longer one ends the turn, with
//! the wait in its error.

use std::time::Duration;

use http::StatusCode;

use super::error::{BackendError, FailedStatus};
use super::limits::MAX_REQUEST_WAIT;
use super::responses::StreamFailure;
use byokey_auth::{Credential, IssuerFailure, Recovered, RecoveryFailure};

/// Retries of a 404 without a body.
const MAX_EMPTY_404: u32 = 2;

/// The decision after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The failure is final.
    Final,
    /// Another attempt may succeed.
    Again {
        /// The maximal number of retries, if below the caller's.
        at_most: Option<u32>,
        /// The wait that the backend requested.
        wait: Option<Duration>,
    },
}

impl Next {
    const AGAIN: Self = Self::Again {
        at_most: None,
        wait: None,
    };

    /// Returns whether another attempt may succeed.
    pub(crate) const fn is_again(self) -> bool {
        matches!(self, Self::Again { .. })
    }
}

/// Decides after a failed streamed response.
pub(crate) fn after_stream(failure: &StreamFailure) -> Next {
    match failure {
        StreamFailure::Call(error) => after_call(error),
        StreamFailure::Disconnected(_) | StreamFailure::GaveUp => Next::AGAIN,
        StreamFailure::Reported(cause) => match cause.reason {
            Some(reason) if reason.may_pass() => Next::Again {
                at_most: None,
                wait: cause.wait,
            },
            _ => Next::Final,
        },
        StreamFailure::Incomplete(_) | StreamFailure::Limit(_) | StreamFailure::Unreadable(_) => {
            Next::Final
        }
    }
}

/// Decides after a failed call.
pub(crate) fn after_call(error: &BackendError) -> Next {
    match error {
        BackendError::Status(failed) => after_status(failed),
        // The host's answer is final; repeating the request at once would be spam.
        BackendError::Recovery(RecoveryFailure::Issuer(
            IssuerFailure::NotAsked { .. }
            | IssuerFailure::Challenged { .. }
            | IssuerFailure::CountryRefused,
        )) => Next::Final,
        BackendError::Recovery(RecoveryFailure::Issuer(_))
        | BackendError::Timeout
        | BackendError::Interrupted => Next::AGAIN,
        BackendError::Http(failure) if failure.is_transient() => Next::AGAIN,
        _ => Next::Final,
    }
}

pub(crate) fn after_status(failed: &FailedStatus) -> Next {
    let again = Next::Again {
        at_most: None,
        wait: failed.cause.wait,
    };
    match (failed.cause.reason, failed.status) {
        (Some(reason), _) if !reason.may_pass() => Next::Final,
        (_, StatusCode::UNAUTHORIZED) => Next::Final,
        (Some(_), _)
        | (
            None,
            StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS,
        ) => again,
        (None, StatusCode::NOT_FOUND) if failed.is_empty => Next::Again {
            at_most: Some(MAX_EMPTY_404),
            wait: failed.cause.wait,
        },
        (None, status) if status.is_server_error() => again,
        _ => Next::Final,
    }
}

/// Decides whether a single request is resent before the caller gets the error: after connection
/// and server errors. Short calls, which have no other retry, also after an empty 404.
pub(crate) fn resend(error: &BackendError, is_short: bool) -> Next {
    let sent_again = match error {
        BackendError::Http(_) | BackendError::Interrupted => true,
        BackendError::Status(failed) => {
            failed.status.is_server_error()
                || is_short && failed.is_empty && failed.status == StatusCode::NOT_FOUND
        }
        _ => false,
    };
    match after_call(error) {
        Next::Again { wait, .. } if wait.is_some_and(|wait| wait > MAX_REQUEST_WAIT) => Next::Final,
        next if sent_again => next,
        _ => Next::Final,
    }
}

/// Returns whether a call can recover from another 401 after these recoveries.
///
/// As in codex: one refresh for a host's tokens, and two steps for a managed login: the store's
/// current content, then the issuer.
pub(super) fn may_recover(credential: &Credential, recoveries: &[Recovered]) -> bool {
    match (credential, recoveries) {
        (_, []) => credential.can_be_renewed(),
        (Credential::Managed(_), [Recovered::Replaced]) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::details::Cause;
    use super::super::events::Incomplete;
    use super::super::limits::Limit;
    use super::super::reason::Reason;
    use super::*;

    fn status(code: u16, reason: Option<Reason>, is_empty: bool) -> BackendError {
        let mut failed = FailedStatus::of(StatusCode::from_u16(code).unwrap());
        failed.cause.reason = reason;
        failed.is_empty = is_empty;
        BackendError::Status(Box::new(failed))
    }

    #[test]
    fn the_list() {
        for code in [301, 400, 401, 402, 403, 404, 405, 410, 413, 415, 422, 451] {
            assert_eq!(
                after_call(&status(code, None, false)),
                Next::Final,
                "{code}"
            );
        }
        for code in [408, 409, 429, 500, 502, 503, 504, 529] {
            assert!(after_call(&status(code, None, false)).is_again(), "{code}");
        }
        let empty = after_call(&status(404, None, true));
        assert!(matches!(
            empty,
            Next::Again {
                at_most: Some(2),
                ..
            }
        ));
        assert_eq!(after_call(&status(403, None, true)), Next::Final);
        let limit = Some(Reason::UsageLimitReached);
        assert_eq!(after_call(&status(429, limit, false)), Next::Final);
        assert_eq!(after_call(&status(503, limit, false)), Next::Final);
        assert!(after_call(&status(503, Some(Reason::Overloaded), false)).is_again());
        assert_eq!(
            after_call(&status(401, Some(Reason::ServerError), false)),
            Next::Final
        );
        for (failure, is_again) in [
            (StreamFailure::GaveUp, true),
            (StreamFailure::Disconnected("closed"), true),
            (StreamFailure::Incomplete(Incomplete::ContentFilter), false),
            (StreamFailure::Limit(Limit::Event), false),
            (StreamFailure::Unreadable("response.failed"), false),
            (StreamFailure::Reported(Cause::default()), false),
            (
                StreamFailure::Reported(Cause::of_reason(Reason::CyberPolicy)),
                false,
            ),
            (
                StreamFailure::Reported(Cause::of_reason(Reason::RateLimited)),
                true,
            ),
        ] {
            assert_eq!(after_stream(&failure).is_again(), is_again, "{failure:?}");
        }
    }

    #[test]
    fn one_request_is_sent_again_only_where_the_server_failed() {
        assert!(resend(&BackendError::Interrupted, false).is_again());
        assert!(resend(&status(503, None, false), false).is_again());
        assert_eq!(resend(&status(429, None, false), true), Next::Final);
        assert!(resend(&status(404, None, true), true).is_again());
        assert_eq!(resend(&status(404, None, true), false), Next::Final);
        assert_eq!(resend(&BackendError::Timeout, true), Next::Final);
    }
}
