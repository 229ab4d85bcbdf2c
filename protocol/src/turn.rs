//! Turns: one exchange of a thread, and how it ends.

use serde::{Deserialize, Serialize};

use crate::bounded;
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
    /// The user's message.
    #[serde(deserialize_with = "bounded::inputs")]
    pub input: Vec<UserInput>,
    /// Model for this turn and later ones.
    #[serde(default)]
    pub model: Option<String>,
    /// Reasoning effort for this turn and later ones.
    #[serde(default)]
    pub effort: Option<String>,
    /// Reasoning summary: `auto`, `concise`, `detailed` or `none`.
    #[serde(default)]
    pub summary: Option<String>,
    /// The client's id of the message, returned in the item.
    #[serde(default, rename = "clientUserMessageId", alias = "clientId")]
    pub client_id: Option<String>,
    /// Not supported: refused when given.
    #[serde(default, deserialize_with = "bounded::presence")]
    pub output_schema: Option<serde_json::Value>,
    /// Not supported: refused when given.
    #[serde(default, deserialize_with = "bounded::presence")]
    pub collaboration_mode: Option<serde_json::Value>,
}

/// Result of `turn/start`.
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
    /// Its items; empty depending on `itemsView`.
    pub items: Vec<Open<ThreadItem>>,
    /// Which items are listed.
    pub items_view: Open<ItemsView>,
    /// Its status.
    pub status: Open<TurnStatus>,
    /// The failure; null otherwise.
    pub error: Option<TurnError>,
    /// Its start, in Unix seconds. Null in the result of `turn/start`, which precedes it.
    pub started_at: Option<i64>,
    /// Its end, in Unix seconds.
    pub completed_at: Option<i64>,
    /// Its duration, in milliseconds.
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

/// The status of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum TurnStatus {
    /// It ended successfully.
    Completed,
    /// The client interrupted it.
    Interrupted,
    /// It failed; `error` has the reason.
    Failed,
    /// It is in progress.
    InProgress,
}

/// The failure of a turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TurnError {
    /// The failure, for users.
    pub message: String,
    /// The failure, in codex's words.
    pub codex_error_info: Option<Open<CodexErrorInfo>>,
    /// Details.
    pub additional_details: Option<String>,
    /// The kind of the error, where codex has no word for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kind: Option<Open<ErrorKind>>,
}

/// The cause of a failure, in codex's words.
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
    /// The cyber security policy stopped the response.
    CyberPolicy,
    /// The backend failed.
    InternalServerError,
    /// The credential was refused and cannot be renewed.
    Unauthorized,
    /// The backend refused the request.
    BadRequest,
    /// No connection to the backend.
    HttpConnectionFailed {
        /// HTTP status, if there was a response.
        http_status_code: Option<u16>,
    },
    /// The stream of the response broke off.
    ResponseStreamDisconnected {
        /// HTTP status, if there was one.
        http_status_code: Option<u16>,
    },
    /// Retries did not help.
    ResponseTooManyFailedAttempts {
        /// HTTP status, if there was a response.
        http_status_code: Option<u16>,
    },
    /// Anything else, including every failed refresh by the host.
    Other,
}

/// Parameters of the notifications `turn/started` and `turn/completed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TurnNotification {
    /// The thread.
    pub thread_id: String,
    /// The turn in its present state.
    pub turn: Turn,
}

/// Parameters of the notifications `modelProvider/authRecoveryStarted` and
/// `modelProvider/authRecoveryCompleted`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuthRecovery {
    /// The thread.
    pub thread_id: String,
    /// The turn that waits for it.
    pub turn_id: String,
    /// Id of the model provider.
    pub provider: String,
    /// A text for the user.
    pub message: String,
}

/// Parameters of the notification `error`: a turn failed, or is retried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ErrorNotification {
    /// The failure.
    pub error: TurnError,
    /// Whether the server retries by itself.
    pub will_retry: bool,
    /// The thread.
    pub thread_id: String,
    /// The turn.
    pub turn_id: String,
}
