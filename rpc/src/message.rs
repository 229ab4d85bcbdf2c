//! The messages that are sent, with members in codex's order.

use byokey_protocol::request_id::RequestId;
use jsonrpsee_types::ErrorObjectOwned;
use serde::Serialize;

/// A successful response.
#[derive(Debug, Serialize)]
pub(crate) struct Response<'a, R> {
    pub(crate) id: &'a RequestId,
    pub(crate) result: R,
}

/// An error response. Its id is null where the request's could not be read.
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

/// A request from this side.
#[derive(Debug, Serialize)]
pub(crate) struct Request<'a, P> {
    pub(crate) method: &'a str,
    pub(crate) id: i64,
    pub(crate) params: &'a P,
}
