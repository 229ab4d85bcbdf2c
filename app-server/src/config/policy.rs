//! The policy of logins.

use super::findings::Stops;
use super::reader::Reader;
use byokey_auth::{ForcedMethod, LoginPolicy};

/// Reads the policy. If a part of it is unreadable, logins are stopped.
pub(super) fn read(settings: &mut Reader<'_>) -> LoginPolicy {
    let mut strict = settings.stopping(Stops::Logins);
    let methods = [
        ("chatgpt", ForcedMethod::Chatgpt),
        ("api", ForcedMethod::Api),
    ];
    let policies = [("any", false), ("same", true)];
    LoginPolicy {
        forced_method: one_of(&mut strict, "forced_login_method", methods),
        allowed_workspaces: strict
            .strings("forced_chatgpt_workspace_id")
            .unwrap_or_default(),
        same_account: one_of(&mut strict, "refresh_account_policy", policies).unwrap_or(false),
    }
}

/// Returns the chosen value of a setting.
fn one_of<T: Copy>(settings: &mut Reader<'_>, name: &str, choices: [(&str, T); 2]) -> Option<T> {
    let chosen = settings.string(name)?;
    let found = choices.iter().find(|(word, _)| *word == chosen);
    if found.is_none() {
        let [(first, _), (second, _)] = choices;
        settings.report(name, &format!("must be \"{first}\" or \"{second}\""));
    }
    found.map(|(_, value)| *value)
}
