//! `permissionProfile/list` and `skills/list`: empty lists, because there are no tools; an error
//! would break clients.

use byokey_protocol::tools::{
    PermissionProfileListParams, PermissionProfileListResult, SkillsListParams, SkillsListResult,
    SkillsOfFolder,
};

use crate::server::reply::{Context, Outcome};

pub(crate) fn permission_profile_list(
    _: &Context,
    _: PermissionProfileListParams,
) -> Outcome<PermissionProfileListResult> {
    Ok(PermissionProfileListResult::default().into())
}

pub(crate) fn skills_list(_: &Context, params: SkillsListParams) -> Outcome<SkillsListResult> {
    let folders = params.cwds.unwrap_or_default().into_iter();
    let data = folders
        .map(|cwd| SkillsOfFolder {
            cwd,
            skills: Vec::new(),
            errors: Vec::new(),
        })
        .collect();
    Ok(SkillsListResult { data }.into())
}
