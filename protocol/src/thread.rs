//! Threads: text conversations, kept in memory.

use serde::{Deserialize, Serialize};

use crate::open::Open;
use crate::turn::Turn;

/// Parameters of `thread/start`.
///
/// Members of codex that only limit its tools (`approvalPolicy`, `sandbox`, `permissions` and
/// the like) are accepted and mean nothing here, because there are no tools.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct ThreadStartParams {
    /// The model; without it the default one.
    pub model: Option<String>,
    /// The model provider; it has to be the configured one.
    pub model_provider: Option<String>,
    /// Working folder; kept and given back.
    pub cwd: Option<String>,
    /// Kept and given back.
    pub approval_policy: Option<serde_json::Value>,
    /// Kept and given back.
    pub sandbox: Option<serde_json::Value>,
    /// Instructions in place of the default ones.
    pub base_instructions: Option<String>,
    /// Instructions added to the others.
    pub developer_instructions: Option<String>,
    /// Every thread is in memory only, whatever this says.
    pub ephemeral: Option<bool>,
    /// Settings of codex for this thread alone. Those about models and instructions are taken;
    /// those that decide where the conversation goes are refused; the others mean nothing here,
    /// and a `warning` says so.
    pub config: Option<serde_json::Map<String, serde_json::Value>>,
    /// Not supported: refused when it has elements.
    pub dynamic_tools: Option<Vec<serde_json::Value>>,
}

/// Parameters of `thread/resume`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ThreadResumeParams {
    /// A thread of this process.
    pub thread_id: String,
    /// Model for the following turns.
    #[serde(default)]
    pub model: Option<String>,
    /// Not supported: refused when given.
    #[serde(default)]
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
    /// Files that instructions were read from: none.
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
    /// Always true: nothing is kept on disk.
    pub ephemeral: bool,
    /// Its model provider.
    pub model_provider: String,
    /// Its model.
    #[serde(default)]
    pub model: Option<String>,
    /// Reasoning effort, if one was chosen.
    #[serde(default)]
    pub reasoning_effort: Option<String>,
    /// When it was made, in Unix seconds.
    pub created_at: i64,
    /// When it last changed, in Unix seconds.
    pub updated_at: i64,
    /// How it stands.
    pub status: Open<ThreadStatus>,
    /// Always null: there is no file.
    pub path: Option<String>,
    /// Its working folder.
    pub cwd: String,
    /// Version of this program.
    pub cli_version: String,
    /// Kind of client, as codex names it.
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
    /// Its turns; listed by `thread/resume` only.
    pub turns: Vec<Turn>,
}

/// How a thread stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum ThreadStatus {
    /// No turn runs.
    Idle,
    /// No turn runs, and the last one failed.
    SystemError,
    /// A turn runs.
    Active {
        /// What it waits for: nothing, here.
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
    /// How it stands now.
    pub status: Open<ThreadStatus>,
}

/// Parameters of `thread/loaded/list`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct ThreadLoadedListParams {
    /// `nextCursor` of the page before.
    pub cursor: Option<String>,
    /// Most ids to return; without it all are.
    pub limit: Option<u32>,
}

/// Result of `thread/loaded/list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ThreadLoadedListResult {
    /// Ids of the threads in memory.
    pub data: Vec<String>,
    /// Where the next page starts, or null on the last one.
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

/// Tokens of a thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ThreadTokenUsage {
    /// Over all turns.
    pub total: TokenUsage,
    /// Of the last answer.
    pub last: TokenUsage,
    /// Size of the model's context in tokens, if it is known.
    pub model_context_window: Option<i64>,
}

/// Tokens, by kind.
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
    /// Of those, written to the backend's cache, if the backend tells.
    #[serde(default)]
    pub cache_write_input_tokens: i64,
    /// Written by the model.
    pub output_tokens: i64,
    /// Of those, spent on reasoning.
    pub reasoning_output_tokens: i64,
}
