//! Unpublished properties of the real backend: one setting each, so that a guess is never part of
//! the code. The defaults are the mildest reading.

use serde::{Deserialize, Serialize};

/// Unpublished properties of the real backend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Unpublished {
    /// Refuse `tools: []` and `include: []`.
    pub(crate) refuse_empty_lists: bool,
    /// Refuse a request without `instructions` even where its first item is a developer message.
    pub(crate) always_require_instructions: bool,
    /// Challenge requests with one of these in their `User-Agent`.
    pub(crate) challenged_user_agents: Vec<String>,
    /// Models that answer in the lite form only.
    pub(crate) lite_only_models: Vec<String>,
    /// Requests a minute to `/wham/*` before they get 429.
    pub(crate) account_calls_per_minute: Option<u32>,
    /// Requests a minute to `/oauth/token` before they get 429.
    pub(crate) token_calls_per_minute: Option<u32>,
    /// How long a spent refresh token is accepted once more, as for a retry after a time-out.
    pub(crate) refresh_grace_seconds: u64,
    /// The status of a failed revocation; without it revocations succeed.
    pub(crate) revoke_status: Option<u16>,
    /// Write the refusals of revoke and whoami as `{"error":{"code"}}` instead of
    /// `{"error":"code"}`.
    pub(crate) nested_identity_errors: bool,
    /// The code of a device login that its user denies on the page.
    pub(crate) device_denied_code: String,
    /// Close a stream that was silent this long.
    pub(crate) stream_idle_seconds: Option<u64>,
    /// The order of the list of models.
    pub(crate) list_order: ListOrder,
    /// The status of a request with a `chatgpt-account-id` other than the token's; without it the
    /// header is accepted.
    pub(crate) wrong_account_status: Option<u16>,
    /// The status of a request that fails validation.
    pub(crate) validation_status: u16,
    /// Whether the version in `User-Agent` counts where the header `version` is missing.
    pub(crate) user_agent_version: bool,
    /// The only accepted originators; empty accepts all.
    pub(crate) originators: Vec<String>,
}

/// The order of the list of models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ListOrder {
    /// The highest `priority` first, so that a client that takes the first model is noticed.
    Reversed,
    /// The lowest `priority` first.
    Priority,
}

impl Default for Unpublished {
    fn default() -> Self {
        Self {
            refuse_empty_lists: false,
            always_require_instructions: false,
            challenged_user_agents: Vec::new(),
            lite_only_models: Vec::new(),
            account_calls_per_minute: None,
            token_calls_per_minute: None,
            refresh_grace_seconds: 0,
            revoke_status: None,
            nested_identity_errors: false,
            device_denied_code: "access_denied".to_owned(),
            stream_idle_seconds: None,
            list_order: ListOrder::Reversed,
            wrong_account_status: None,
            validation_status: 400,
            user_agent_version: true,
            originators: Vec::new(),
        }
    }
}
