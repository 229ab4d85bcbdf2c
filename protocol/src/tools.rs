//! Requests about tools that clients send before they start a thread. There are no tools, so the
//! lists are empty.

use serde::{Deserialize, Serialize};

use crate::bounded;
use crate::empty::Empty;

/// Parameters of `permissionProfile/list`. They have no effect.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct PermissionProfileListParams {
    /// `nextCursor` of the previous page.
    pub cursor: Option<String>,
    /// Most profiles to return.
    pub limit: Option<u32>,
    /// The folder to start from.
    pub cwd: Option<String>,
}

/// Result of `permissionProfile/list`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PermissionProfileListResult {
    /// Always empty: without tools there is nothing to permit.
    pub data: Vec<Empty>,
    /// Always null.
    pub next_cursor: Option<String>,
}

/// Parameters of `skills/list`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct SkillsListParams {
    /// The folders to search.
    #[serde(deserialize_with = "bounded::paths")]
    pub cwds: Option<Vec<String>>,
    /// No effect.
    pub force_reload: Option<bool>,
}

/// Result of `skills/list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SkillsListResult {
    /// One entry per folder in the parameters.
    pub data: Vec<SkillsOfFolder>,
}

/// The skills of one folder, which is not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SkillsOfFolder {
    /// The folder, as given.
    pub cwd: String,
    /// Always empty.
    pub skills: Vec<Empty>,
    /// Always empty.
    pub errors: Vec<Empty>,
}
