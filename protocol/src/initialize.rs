//! `initialize`: name, version and capabilities of the client, and those of the server.

use serde::{Deserialize, Serialize};

use crate::bounded;

/// Parameters of `initialize`, the first request on a connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct InitializeParams {
    /// Name and version of the client.
    pub client_info: ClientInfo,
    /// The client's capabilities. Absent and null mean the defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<ClientCapabilities>,
    /// Process id of the host. If it is an ancestor of this process, the server exits when that
    /// process ends; on a listener, only this connection ends. Absent and null mean off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process_id: Option<u32>,
}

/// Name and version of the client.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClientInfo {
    /// Name of the program. It becomes the `originator` of backend calls, so it must be a valid
    /// HTTP header value.
    pub name: String,
    /// Display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Version of the program.
    pub version: String,
}

/// The client's capabilities.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct ClientCapabilities {
    /// Accepted for codex's clients. Nothing here requires it.
    pub experimental_api: bool,
    /// Names of notifications that this connection opts out of. Unknown names are ignored.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "bounded::method_names"
    )]
    pub opt_out_notification_methods: Option<Vec<String>>,
    /// Timeout of the client's answer to a refresh request, in milliseconds, from 1,000 to 600,000.
    /// The default is codex's: 10,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_refresh_timeout_ms: Option<u64>,
    /// Whether the client also answers refresh requests with the reason `expiring`, sent a minute
    /// before the token expires, or five minutes before a bearer token does.
    pub proactive_refresh: bool,
}

/// Result of `initialize`.
///
/// This server writes all members. Older servers of this protocol family do not: codex 0.98.0
/// writes the user agent alone, codex 0.171.0 neither of the last two.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct InitializeResult {
    /// The user agent of backend calls: `<client>/<codex level> (…) … byokey/<version>`.
    pub user_agent: String,
    /// The folder of `config.toml`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codex_home: Option<String>,
    /// `unix` or `windows`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_family: Option<String>,
    /// `linux`, `macos`, `windows` or another name of an operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_os: Option<String>,
    /// The server. Absent in codex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_info: Option<ServerInfo>,
    /// The protection of the process. Absent in codex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hardening: Option<HardeningReport>,
    /// The `http://` origins of other machines to which the user allows a provider's own key, or a
    /// bearer token of the host, to be sent unencrypted. Absent without any, and in codex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plaintext_origins: Option<Vec<String>>,
}

/// Name and version of the server.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ServerInfo {
    /// `byokey`.
    pub name: String,
    /// Version of the program.
    pub version: String,
    /// Version of the protocol.
    pub protocol_version: String,
}

/// The protection of the process against readers of its memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct HardeningReport {
    /// Whether other processes of the same user may read this process. `null` where the platform
    /// does not report it.
    pub dumpable: Option<bool>,
    /// Largest core dump in bytes, 0 for none. `null` means unlimited or unknown.
    pub core_limit: Option<u64>,
    /// Whether freed memory is zeroized.
    pub wiping_allocator: bool,
    /// Whether the process and its descendants can never gain privileges. `null` where the platform
    /// does not report it.
    pub no_new_privileges: Option<bool>,
    /// Whether the system prevents the process from changing the file system, and from starting
    /// programs.
    pub files_read_only: bool,
    /// Whether stored tokens and keys are locked in memory (mlock), so that they are not swapped
    /// out. Absent on platforms without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_memory: Option<bool>,
    /// Whether a process beside this one runs the token commands of the configuration
    /// (`model_providers.*.auth`). It was started before the restrictions above and does not have
    /// them. `false`: it could not be started. Absent without such a command: then no program is
    /// started at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_commands: Option<bool>,
}
