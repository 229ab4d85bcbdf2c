//! Threads: text conversations, in memory.

use serde::{Deserialize, Serialize};

use crate::bounded;
use crate::open::Open;
use crate::turn::Turn;

/// Parameters of `thread/start`.
///
/// codex's members that only limit its tools (`approvalPolicy`, `sandbox`, `permissions` and the
/// like) are accepted without effect, because there are no tools.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct ThreadStartParams {
    /// The model; the default one if absent.
    pub model: Option<String>,
    /// The model provider; it must be the configured one.
    pub model_provider: Option<String>,
    /// Working folder; stored and returned.
    pub cwd: Option<String>,
    /// Stored and returned.
    #[serde(deserialize_with = "bounded::value")]
    pub approval_policy: Option<serde_json::Value>,
    /// Stored and returned.
    #[serde(deserialize_with = "bounded::value")]
    pub sandbox: Option<serde_json::Value>,
    /// Instructions that replace the default ones.
    pub base_instructions: Option<String>,
    /// Additional instructions.
    pub developer_instructions: Option<String>,
    /// No effect: every thread is in memory only.
    pub ephemeral: Option<bool>,
    /// codex's settings for this thread alone. Those about models and instructions are used; those
    /// that decide where the conversation goes are refused; the others have no effect, which a
    /// `warning` reports.
    #[serde(deserialize_with = "bounded::settings")]
    pub config: Option<serde_json::Map<String, serde_json::Value>>,
    /// Not supported: refused unless empty.
    #[serde(deserialize_with = "bounded::list")]
    pub dynamic_tools: Option<Vec<serde_json::Value>>,
}

/// Parameters of `thread/resume`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ThreadResumeParams {
    /// A thread of this process.
    pub thread_id: String,
    /// Model for later turns.
    #[serde(default)]
    pub model: Option<String>,
    /// Not supported: refused when given.
    #[serde(default, deserialize_with = "bounded::presence")]
    pub history: Option<serde_json::Value>,
    /// Not supported: refused when given.
    #[serde(default)]
    pub path: Option<String>,
}

/// Result of `thread/start` and `thread/resume`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ThreadStartResult {
    /// The thread.
    pub thread: Thread,
    /// Its model.
    pub model: String,
    /// Its model provider.
    pub model_provider: String,
    /// Always null.
    pub service_tier: Option<String>,
    /// Its working folder.
    pub cwd: String,
    /// Files with instructions: none.
    pub instruction_sources: Vec<String>,
    /// As given, or `never`: there is nothing to approve.
    pub approval_policy: serde_json::Value,
    /// `user`.
    pub approvals_reviewer: String,
    /// As given, or read-only: there are no tools.
    pub sandbox: serde_json::Value,
    /// Reasoning effort, if one was chosen.
    pub reasoning_effort: Option<String>,
}

/// A text conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Thread {
    /// Id of the thread. A UUID.
    pub id: String,
    /// The same.
    pub session_id: String,
    /// Always null.
    pub forked_from_id: Option<String>,
    /// The first words of the user.
    pub preview: String,
    /// Always true: nothing is stored on disk.
    pub ephemeral: bool,
    /// Its model provider.
    pub model_provider: String,
    /// Its model.
    #[serde(default)]
    pub model: Option<String>,
    /// Reasoning effort, if one was chosen.
    #[serde(default)]
    pub reasoning_effort: Option<String>,
    /// Its creation, in Unix seconds.
    pub created_at: i64,
    /// Its last change, in Unix seconds.
    pub updated_at: i64,
    /// Its status.
    pub status: Open<ThreadStatus>,
    /// Always null: there is no file.
    pub path: Option<String>,
    /// Its working folder.
    pub cwd: String,
    /// Version of this program.
    pub cli_version: String,
    /// Kind of client, in codex's words.
    pub source: String,
    /// Always null.
    pub thread_source: Option<String>,
    /// Always null.
    pub agent_nickname: Option<String>,
    /// Always null.
    pub agent_role: Option<String>,
    /// Always null.
    pub git_info: Option<serde_json::Value>,
    /// Always null.
    pub name: Option<String>,
    /// Its turns; listed by `thread/resume`, and by `thread/read` with `includeTurns`.
    pub turns: Vec<Turn>,
}

/// The status of a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum ThreadStatus {
    /// It is not in memory any more; its id is unknown from now on.
    NotLoaded,
    /// No turn is in progress.
    Idle,
    /// No turn is in progress, and the last one failed.
    SystemError,
    /// A turn is in progress.
    Active {
        /// What it waits for: always empty.
        active_flags: Vec<String>,
    },
}

/// Parameters of the notification `thread/started`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ThreadStarted {
    /// The thread.
    pub thread: Thread,
}

/// Parameters of the notification `thread/status/changed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ThreadStatusChanged {
    /// The thread.
    pub thread_id: String,
    /// Its new status.
    pub status: Open<ThreadStatus>,
}

/// Parameters of `thread/loaded/list`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct ThreadLoadedListParams {
    /// `nextCursor` of the previous page.
    pub cursor: Option<String>,
    /// Most ids to return; all by default.
    pub limit: Option<u32>,
}

/// Result of `thread/loaded/list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ThreadLoadedListResult {
    /// Ids of the threads in memory.
    pub data: Vec<String>,
    /// The cursor of the next page; null on the last one.
    pub next_cursor: Option<String>,
}

/// Parameters of the notification `thread/tokenUsage/updated`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TokenUsageUpdated {
    /// The thread.
    pub thread_id: String,
    /// The turn.
    pub turn_id: String,
    /// Tokens so far.
    pub token_usage: ThreadTokenUsage,
}

/// Token usage of a thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ThreadTokenUsage {
    /// Over all turns.
    pub total: TokenUsage,
    /// Of the last response.
    pub last: TokenUsage,
    /// Size of the model's context in tokens, if known.
    pub model_context_window: Option<i64>,
}

/// Token usage, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TokenUsage {
    /// All of them.
    pub total_tokens: i64,
    /// Read by the model.
    pub input_tokens: i64,
    /// Of those, read from the backend's cache.
    pub cached_input_tokens: i64,
    /// Of those, written to the backend's cache, if reported.
    #[serde(default)]
    pub cache_write_input_tokens: i64,
    /// Written by the model.
    pub output_tokens: i64,
    /// Of those, spent on reasoning.
    pub reasoning_output_tokens: i64,
}
