//! Cancellation of a request in flight.

use serde::{Deserialize, Serialize};

use crate::request_id::RequestId;

/// Parameters of the notification `$/cancelRequest`, as in the Language Server Protocol.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CancelRequestParams {
    /// The request to cancel. An unknown or answered one is ignored.
    pub id: RequestId,
}
