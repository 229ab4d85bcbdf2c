//! The items of a turn: messages of the user and of the model.

use std::borrow::Cow;

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};

use crate::bounded;
use crate::open::Open;

/// One piece of user input.
///
/// Threads accept text only. codex's other kinds are parsed, to be refused by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum UserInput {
    /// Text.
    Text {
        /// The text.
        text: String,
        /// Marks of the editor inside the text; stored and returned. The spelling is codex's.
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
    /// An unknown kind: not supported.
    #[serde(other)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    Unknown,
}

/// Every member that some input has.
///
/// The variants are read through this one plain struct: an internally tagged enum would first hold
/// all of an input's values in memory, which are a multiple of its text.
#[derive(Deserialize)]
struct InputFields<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    text: Option<String>,
    #[serde(default, deserialize_with = "bounded::values")]
    text_elements: Vec<serde_json::Value>,
}

impl<'de> Deserialize<'de> for UserInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = InputFields::deserialize(deserializer)?;
        Ok(match fields.kind.as_ref() {
            "text" => Self::Text {
                text: fields.text.ok_or(D::Error::missing_field("text"))?,
                text_elements: fields.text_elements,
            },
            "image" => Self::Image {},
            "localImage" => Self::LocalImage {},
            "skill" => Self::Skill {},
            "mention" => Self::Mention {},
            _ => Self::Unknown,
        })
    }
}

impl bounded::Input for UserInput {
    fn values(&self) -> &[serde_json::Value] {
        match self {
            Self::Text { text_elements, .. } => text_elements,
            _ => &[],
        }
    }
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
    /// A message of the user.
    UserMessage {
        /// Id of the item.
        id: String,
        /// The client's id of the message, if given.
        client_id: Option<String>,
        /// The input.
        content: Vec<UserInput>,
    },
    /// A message of the model.
    AgentMessage {
        /// Id of the item.
        id: String,
        /// The text so far.
        text: String,
        /// Phase of the message, if the model names one.
        phase: Option<String>,
        /// Always null here; codex lists the memories that it used.
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
    /// The start, in Unix milliseconds.
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
    /// The end, in Unix milliseconds.
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
    /// The message.
    pub item_id: String,
    /// The text to append.
    pub delta: String,
}
