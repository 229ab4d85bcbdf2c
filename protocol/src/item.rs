//! The items of a turn: what the user said and what the model said.

use serde::{Deserialize, Serialize};

use crate::open::Open;

/// One piece of user input.
///
/// Threads take text only. The other kinds of codex are read so that they can be refused by
/// name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum UserInput {
    /// Text.
    Text {
        /// The text.
        text: String,
        /// Marks of the editor inside the text; kept and given back. Spelled as codex does.
        #[serde(default)]
        text_elements: Vec<serde_json::Value>,
    },
    /// An image by URL: not supported.
    Image {},
    /// An image file: not supported.
    LocalImage {},
    /// A skill: not supported.
    Skill {},
    /// A mention of an app or file: not supported.
    Mention {},
    /// A kind without a name here: not supported.
    #[serde(other)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    Unknown,
}

/// An item of a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum ThreadItem {
    /// What the user said.
    UserMessage {
        /// Id of the item.
        id: String,
        /// Id that the client gave the message, if it did.
        client_id: Option<String>,
        /// The input.
        content: Vec<UserInput>,
    },
    /// What the model said.
    AgentMessage {
        /// Id of the item.
        id: String,
        /// The text so far.
        text: String,
        /// Phase of the answer, if the model names one.
        phase: Option<String>,
        /// Always null here; codex names the memories it used.
        memory_citation: Option<serde_json::Value>,
    },
}

/// Parameters of the notification `item/started`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ItemStarted {
    /// The item.
    pub item: Open<ThreadItem>,
    /// Its thread.
    pub thread_id: String,
    /// Its turn.
    pub turn_id: String,
    /// When it started, in Unix milliseconds.
    pub started_at_ms: i64,
}

/// Parameters of the notification `item/completed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ItemCompleted {
    /// The item, complete.
    pub item: Open<ThreadItem>,
    /// Its thread.
    pub thread_id: String,
    /// Its turn.
    pub turn_id: String,
    /// When it was complete, in Unix milliseconds.
    pub completed_at_ms: i64,
}

/// Parameters of the notification `item/agentMessage/delta`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AgentMessageDelta {
    /// The thread.
    pub thread_id: String,
    /// The turn.
    pub turn_id: String,
    /// The message that grows.
    pub item_id: String,
    /// What is added to it.
    pub delta: String,
}
