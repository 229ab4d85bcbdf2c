//! Requests: which is which, which rules it is under, what was received, and the log line about
//! it.

pub(crate) mod dialect;
pub(crate) mod observe;
pub(crate) mod record;
pub(crate) mod route;
