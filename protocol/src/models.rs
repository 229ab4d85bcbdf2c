//! The available models.

use serde::{Deserialize, Serialize};

/// Parameters of `model/list`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct ModelListParams {
    /// Most models to return; all by default.
    pub limit: Option<u32>,
    /// `nextCursor` of the previous page.
    pub cursor: Option<String>,
    /// Whether to return models that the backend hides.
    pub include_hidden: Option<bool>,
}

/// Result of `model/list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ModelListResult {
    /// One page of models, in the backend's order of preference.
    pub data: Vec<Model>,
    /// The cursor of the next page; null on the last one.
    pub next_cursor: Option<String>,
}

/// One model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Model {
    /// Id of the model, as for `thread/start`.
    pub id: String,
    /// The same.
    pub model: String,
    /// Display name.
    pub display_name: String,
    /// Description.
    pub description: String,
    /// Whether the backend hides it from lists.
    pub hidden: bool,
    /// The supported reasoning efforts.
    pub supported_reasoning_efforts: Vec<ReasoningEffortOption>,
    /// The default reasoning effort.
    pub default_reasoning_effort: String,
    /// The input modalities: `text`.
    pub input_modalities: Vec<String>,
    /// Whether it is the model of a thread that names none.
    pub is_default: bool,
}

/// A reasoning effort and its description.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReasoningEffortOption {
    /// `minimal`, `low`, `medium`, `high` or another of the backend's words.
    pub reasoning_effort: String,
    /// Description.
    pub description: String,
}
