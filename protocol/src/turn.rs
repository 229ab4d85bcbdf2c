//! Turns: one exchange of a thread, and how it ends.

use serde::{Deserialize, Serialize};

use crate::error::ErrorKind;
use crate::item::{ThreadItem, UserInput};
use crate::open::Open;

/// Parameters of `turn/start`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TurnStartParams {
    /// The thread.
    pub thread_id: String,
    /// What the user says.
    pub input: Vec<UserInput>,
    /// Model for this turn and the following ones.
    #[serde(default)]
    pub model: Option<String>,
    /// Reasoning effort for this turn and the following ones.
    #[serde(default)]
    pub effort: Option<String>,
    /// Reasoning summary: `auto`, `concise`, `detailed` or `none`.
    #[serde(default)]
    pub summary: Option<String>,
    /// Id that the client gives the message; it comes back in the item.
    #[serde(default, rename = "clientUserMessageId", alias = "clientId")]
    pub client_id: Option<String>,
    /// Not supported: refused when given.
    #[serde(default)]
    pub output_schema: Option<serde_json::Value>,
    /// Not supported: refused when given.
    #[serde(default)]
    pub collaboration_mode: Option<serde_json::Value>,
}

/// Result of `turn/start` and parameters of no more than the turn itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TurnStartResult {
    /// The turn, in progress.
    pub turn: Turn,
}

/// Parameters of `turn/interrupt`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TurnInterruptParams {
    /// The thread.
    pub thread_id: String,
    /// The turn.
    pub turn_id: String,
}

/// One exchange of a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Turn {
    /// Id of the turn. A UUID.
    pub id: String,
    /// The same: turns here start no other turns.
    pub root_turn_id: String,
    /// Its items; empty where `itemsView` says so.
    pub items: Vec<Open<ThreadItem>>,
    /// Which items are listed.
    pub items_view: Open<ItemsView>,
    /// How it stands.
    pub status: Open<TurnStatus>,
    /// Why it failed; null otherwise.
    pub error: Option<TurnError>,
    /// When it started, in Unix seconds. Null in the answer to `turn/start`, which comes before.
    pub started_at: Option<i64>,
    /// When it ended, in Unix seconds.
    pub completed_at: Option<i64>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<i64>,
}

/// Which items of a turn are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum ItemsView {
    /// None.
    NotLoaded,
    /// The last message of the model.
    Summary,
    /// All.
    Full,
}

/// How a turn stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum TurnStatus {
    /// It ended well.
    Completed,
    /// The client interrupted it.
    Interrupted,
    /// It failed; `error` says why.
    Failed,
    /// It runs.
    InProgress,
}

/// Why a turn failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TurnError {
    /// What happened, for people.
    pub message: String,
    /// What happened, for programs.
    pub codex_error_info: Option<Open<CodexErrorInfo>>,
    /// More about it.
    pub additional_details: Option<String>,
    /// The kind of the error, where codex has no word for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kind: Option<Open<ErrorKind>>,
}

/// What made a turn fail, in codex's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum CodexErrorInfo {
    /// The conversation is too long for the model.
    ContextWindowExceeded,
    /// The plan's usage limit is reached.
    UsageLimitExceeded,
    /// The model is at capacity.
    ServerOverloaded,
    /// The policy on cyber security stopped the answer.
    CyberPolicy,
    /// The backend failed.
    InternalServerError,
    /// The credential was refused and cannot be renewed.
    Unauthorized,
    /// The backend refused the request.
    BadRequest,
    /// No connection to the backend.
    HttpConnectionFailed {
        /// HTTP status, if there was an answer.
        http_status_code: Option<u16>,
    },
    /// The stream of the answer broke off.
    ResponseStreamDisconnected {
        /// HTTP status, if there was one.
        http_status_code: Option<u16>,
    },
    /// Retries did not help.
    ResponseTooManyFailedAttempts {
        /// HTTP status, if there was an answer.
        http_status_code: Option<u16>,
    },
    /// Anything else, every failed refresh by the host among it.
    Other,
}

/// Parameters of the notifications `turn/started` and `turn/completed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TurnNotification {
    /// The thread.
    pub thread_id: String,
    /// The turn as it stands.
    pub turn: Turn,
}

/// Parameters of the notification `error`: a turn met a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ErrorNotification {
    /// The failure.
    pub error: TurnError,
    /// Whether the server tries again by itself.
    pub will_retry: bool,
    /// The thread.
    pub thread_id: String,
    /// The turn.
    pub turn_id: String,
}
