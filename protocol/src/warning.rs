//! Warnings that do not belong to a request.

use serde::{Deserialize, Serialize};

/// Parameters of the notification `configWarning`, sent once after `initialize`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConfigWarning {
    /// The problem, in one sentence.
    pub summary: String,
    /// Details.
    pub details: Option<String>,
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub path: Option<String>,
    /// The place in the file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub range: Option<TextRange>,
}

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TextRange {
    /// First character.
    pub start: TextPosition,
    /// After the last character.
    pub end: TextPosition,
}

/// A position in a text, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TextPosition {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// Parameters of the notification `warning`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Warning {
    /// The thread concerned, if any.
    pub thread_id: Option<String>,
    /// The problem.
    pub message: String,
}
