//! The models on offer.

use serde::{Deserialize, Serialize};

/// Parameters of `model/list`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct ModelListParams {
    /// Most models to return; without it all are.
    pub limit: Option<u32>,
    /// `nextCursor` of the page before.
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
    /// Where the next page starts, or null on the last one.
    pub next_cursor: Option<String>,
}

/// One model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Model {
    /// Id of the model, as `thread/start` takes it.
    pub id: String,
    /// The same.
    pub model: String,
    /// Name to show to people.
    pub display_name: String,
    /// What it is good for.
    pub description: String,
    /// Whether the backend hides it from lists.
    pub hidden: bool,
    /// Reasoning efforts it can be asked for.
    pub supported_reasoning_efforts: Vec<ReasoningEffortOption>,
    /// The effort it takes by default.
    pub default_reasoning_effort: String,
    /// What it reads: `text`.
    pub input_modalities: Vec<String>,
    /// Whether a thread gets this model when it names none.
    pub is_default: bool,
}

/// A reasoning effort and what it means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReasoningEffortOption {
    /// `minimal`, `low`, `medium`, `high` or another of the backend's words.
    pub reasoning_effort: String,
    /// What it means.
    pub description: String,
}
