//! The settings in force, for clients that read them before they start a thread.

use serde::{Deserialize, Serialize};

use crate::empty::Empty;
use crate::open::Open;

/// Parameters of `config/read`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct ConfigReadParams {
    /// No effect: there is one configuration, for all folders.
    pub cwd: Option<String>,
    /// No effect: the source of a setting is not reported.
    pub include_layers: Option<bool>,
}

/// Result of `config/read`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConfigReadResult {
    /// The settings.
    pub config: Settings,
    /// Always empty: the source of a setting is not reported.
    pub origins: Empty,
    /// Always null, for the same reason.
    pub layers: Option<Vec<Empty>>,
}

/// The known settings that contain no secret, named as in `config.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Settings {
    /// The model of threads that name none.
    pub model: Option<String>,
    /// The model provider; null for the built-in one.
    pub model_provider: Option<String>,
    /// The only allowed kind of login; null for any.
    pub forced_login_method: Option<Open<LoginMethod>>,
    /// The allowed workspaces; null for any.
    pub forced_chatgpt_workspace_id: Option<Vec<String>>,
}

/// A kind of login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum LoginMethod {
    /// ChatGPT accounts, external or managed.
    Chatgpt,
    /// API keys.
    Api,
}

/// Result of `configRequirements/read`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConfigRequirementsReadResult {
    /// The requirements of the configuration; null without any.
    pub requirements: Option<ConfigRequirements>,
}

/// The requirements of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ConfigRequirements {
    /// The allowed logins.
    pub allowed_login_methods: Vec<Open<LoginMethod>>,
}
