//! Requests: which is which, what was received, and the log line about it.

pub(crate) mod observe;
pub(crate) mod record;
pub(crate) mod route;
