//! What clients ask about tools before they start a thread. There are none, so the lists are
//! empty.

use serde::{Deserialize, Serialize};

use crate::empty::Empty;

/// Parameters of `permissionProfile/list`. They mean nothing here.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct PermissionProfileListParams {
    /// `nextCursor` of the page before.
    pub cursor: Option<String>,
    /// Most profiles to return.
    pub limit: Option<u32>,
    /// The folder to look from.
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
    /// The folders to look in.
    pub cwds: Option<Vec<String>>,
    /// Means nothing here.
    pub force_reload: Option<bool>,
}

/// Result of `skills/list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SkillsListResult {
    /// One entry for each folder that was named.
    pub data: Vec<SkillsOfFolder>,
}

/// The skills of one folder. The folder is not looked into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SkillsOfFolder {
    /// The folder, as it was named.
    pub cwd: String,
    /// Always empty.
    pub skills: Vec<Empty>,
    /// Always empty.
    pub errors: Vec<Empty>,
}
