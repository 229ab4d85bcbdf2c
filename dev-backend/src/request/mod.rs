//! Requests: their route and dialect, their record, and their log line.

pub(crate) mod dialect;
pub(crate) mod observe;
pub(crate) mod record;
pub(crate) mod route;
