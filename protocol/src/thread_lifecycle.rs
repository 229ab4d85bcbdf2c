//! Reading threads back, and letting them go.

use serde::{Deserialize, Serialize};

use crate::open::Open;
use crate::thread::Thread;

/// Parameters of `thread/read`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ThreadReadParams {
    /// A thread that this connection started or resumed.
    pub thread_id: String,
    /// Whether to list its turns with their items.
    #[serde(default)]
    pub include_turns: bool,
}

/// Result of `thread/read`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ThreadReadResult {
    /// The thread.
    pub thread: Thread,
    /// Always null: what a user has read is not recorded.
    pub read_state: Option<serde_json::Value>,
}

/// Parameters of `thread/unsubscribe`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ThreadUnsubscribeParams {
    /// The thread.
    pub thread_id: String,
}

/// Result of `thread/unsubscribe`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ThreadUnsubscribeResult {
    /// What was done.
    pub status: Open<ThreadUnsubscribeStatus>,
}

/// The outcome of `thread/unsubscribe`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum ThreadUnsubscribeStatus {
    /// There is no such thread.
    NotLoaded,
    /// This connection was not subscribed.
    NotSubscribed,
    /// This connection is not subscribed any more.
    Unsubscribed,
}

/// Parameters of `thread/delete`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ThreadDeleteParams {
    /// A thread that this connection started or resumed.
    pub thread_id: String,
}

/// Parameters of the notifications `thread/closed` and `thread/deleted`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ThreadGone {
    /// The thread.
    pub thread_id: String,
}
