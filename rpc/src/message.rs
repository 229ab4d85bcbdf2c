//! The messages that we send, in the order of members that codex writes.

use byokey_protocol::request_id::RequestId;
use jsonrpsee_types::ErrorObjectOwned;
use serde::Serialize;

/// An answer.
#[derive(Debug, Serialize)]
pub(crate) struct Response<'a, R> {
    pub(crate) id: &'a RequestId,
    pub(crate) result: R,
}

/// An answer that is an error. The id is null where the request's could not be read.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorResponse<'a> {
    pub(crate) error: ErrorObjectOwned,
    pub(crate) id: Option<&'a RequestId>,
}

/// A notification.
#[derive(Debug, Serialize)]
pub(crate) struct Notification<'a, P> {
    pub(crate) method: &'a str,
    pub(crate) params: &'a P,
}

/// A request of ours.
#[derive(Debug, Serialize)]
pub(crate) struct Request<'a, P> {
    pub(crate) method: &'a str,
    pub(crate) id: i64,
    pub(crate) params: &'a P,
}
