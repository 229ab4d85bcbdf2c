//! `initialize`: who the client is, what it can do, and who we are.

use serde::{Deserialize, Serialize};

/// Parameters of `initialize`, the first request on a connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct InitializeParams {
    /// Who connects.
    pub client_info: ClientInfo,
    /// What the client can do. Absent and null mean the defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<ClientCapabilities>,
    /// Process id of the host. If it is an ancestor of this process, the server exits when that
    /// process ends. Absent and null mean off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process_id: Option<u32>,
}

/// Who connects.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClientInfo {
    /// Name of the program. It becomes the `originator` of backend calls, so it must be a legal
    /// HTTP header value.
    pub name: String,
    /// Name to show to people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Version of the program.
    pub version: String,
}

/// What the client can do.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct ClientCapabilities {
    /// Accepted for codex clients. Nothing here requires it.
    pub experimental_api: bool,
    /// Names of notifications that this connection does not want. Unknown names are ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opt_out_notification_methods: Option<Vec<String>>,
    /// How long the client may take to answer a refresh request, in milliseconds, from 1,000 to
    /// 600,000. The default is 10,000, which is what codex allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_refresh_timeout_ms: Option<u64>,
    /// Whether the client also answers refresh requests whose reason is `expiring`, sent a
    /// minute before the token expires.
    pub proactive_refresh: bool,
}

/// Result of `initialize`.
///
/// This server writes all members. Older servers of this protocol family do not: codex 0.98.0
/// writes the user agent alone, codex 0.169.0 neither of the last two.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct InitializeResult {
    /// The user agent of backend calls: `<client>/<codex level> (…) … byokey/<version>`.
    pub user_agent: String,
    /// The folder that `config.toml` is read from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codex_home: Option<String>,
    /// `unix` or `windows`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_family: Option<String>,
    /// `linux`, `macos`, `windows` or another name of an operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_os: Option<String>,
    /// Which server answers. Absent in codex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_info: Option<ServerInfo>,
    /// How the process is protected. Absent in codex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hardening: Option<HardeningReport>,
    /// The `http://` origins of other machines to which the user lets a provider's own key go
    /// unencrypted. Absent where there is none, and in codex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plaintext_origins: Option<Vec<String>>,
}

/// Which server answers.
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

/// How the process is protected against readers of its memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct HardeningReport {
    /// Whether other processes of the same user may read this process. `null` where the
    /// platform does not say.
    pub dumpable: Option<bool>,
    /// Largest core dump in bytes, 0 for none. `null` means no limit, or not known.
    pub core_limit: Option<u64>,
    /// Whether freed memory is wiped.
    pub wiping_allocator: bool,
    /// Whether the process and whatever it starts can never gain privileges. `null` where the
    /// platform does not say.
    pub no_new_privileges: Option<bool>,
    /// Whether the system keeps the process from changing anything in the file system.
    pub files_read_only: bool,
    /// Whether the system keeps stored tokens and keys out of its swap, as it was asked to. Absent
    /// where the platform is not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_memory: Option<bool>,
}
