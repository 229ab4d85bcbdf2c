//! The gateway of a connection: an address of this machine where other programs use the login.

use serde::{Deserialize, Serialize};

use crate::secret::{Secret, expose_on_the_wire};

/// Parameters of `gateway/start`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct GatewayStartParams {
    /// The port on 127.0.0.1; without it, or with 0, any free one.
    pub port: Option<u16>,
}

/// Result of `gateway/start`. It is returned to its caller only, and written nowhere.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GatewayStartResult {
    /// The address, such as `http://127.0.0.1:41234`. The Responses API is below `/v1`, codex's
    /// backend below `/backend-api`.
    pub url: String,
    /// The bearer that the gateway admits. It is good until the gateway ends.
    #[serde(serialize_with = "expose_on_the_wire")]
    pub bearer: Secret,
}
