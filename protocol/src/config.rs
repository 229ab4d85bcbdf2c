//! The settings in force, for clients that ask before they start a thread.

use serde::{Deserialize, Serialize};

use crate::empty::Empty;
use crate::open::Open;

/// Parameters of `config/read`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct ConfigReadParams {
    /// Means nothing here: there is one configuration, whatever the folder.
    pub cwd: Option<String>,
    /// Means nothing here: where a setting came from is not told.
    pub include_layers: Option<bool>,
}

/// Result of `config/read`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConfigReadResult {
    /// The settings.
    pub config: Settings,
    /// Always empty: where a setting came from is not told.
    pub origins: Empty,
    /// Always null, for the same reason.
    pub layers: Option<Vec<Empty>>,
}

/// The settings that this server knows and that hold no secret, in the words of `config.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Settings {
    /// The model of threads that name none.
    pub model: Option<String>,
    /// The model provider; null for the built-in one.
    pub model_provider: Option<String>,
    /// The one kind of login that is allowed; null for any.
    pub forced_login_method: Option<Open<LoginMethod>>,
    /// The workspaces that are allowed; null for any.
    pub forced_chatgpt_workspace_id: Option<Vec<String>>,
}

/// A kind of login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum LoginMethod {
    /// ChatGPT accounts, whoever owns their tokens.
    Chatgpt,
    /// API keys.
    Api,
}

/// Result of `configRequirements/read`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConfigRequirementsReadResult {
    /// What the configuration insists on; null if it is nothing.
    pub requirements: Option<ConfigRequirements>,
}

/// What the configuration insists on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ConfigRequirements {
    /// The logins that are allowed.
    pub allowed_login_methods: Vec<Open<LoginMethod>>,
}
