//! The member `config` of `thread/start`: settings of codex for one thread.
//!
//! Settings that apply to a text conversation are used. Settings that decide where the conversation
//! goes, or under which login, are refused by name, because ignoring one would send the
//! conversation to another recipient than the client intended. All others are about tools or
//! interfaces that do not exist here: they are ignored with a warning.

use byokey_protocol::error::ErrorKind;
use serde_json::{Map, Value};

use crate::server::error::RequestError;
use crate::threads::Settings;

/// Settings that decide where a conversation goes, or under which login.
const REFUSED: [&str; 6] = [
    "chatgpt_base_url",
    "cli_auth_credentials_store",
    "forced_chatgpt_workspace_id",
    "forced_login_method",
    "openai_base_url",
    "profile",
];

/// Settings that clients send with every thread, so that a warning would be noise.
const SILENT: [&str; 4] = ["features", "projects", "sandbox_workspace_write", "skills"];

/// Settings that a warning names. Other names are the client's and are not repeated.
const NAMED: [&str; 12] = [
    "agents",
    "apps",
    "hooks",
    "mcp_servers",
    "model_context_window",
    "model_providers",
    "model_verbosity",
    "notify",
    "permissions",
    "shell_environment_policy",
    "tools",
    "web_search",
];

/// The ignored settings.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ignored {
    named: Vec<&'static str>,
    others: usize,
}

/// Applies the settings to a thread, unless its own parameters set them.
///
/// # Errors
///
/// A setting that decides where the conversation goes.
pub(super) fn apply(
    config: Map<String, Value>,
    provider: &str,
    settings: &mut Settings,
    model: &mut Option<String>,
) -> Result<Ignored, RequestError> {
    let mut ignored = Ignored::default();
    for (name, value) in config {
        // A dotted path names a member of a table.
        let table = name.split('.').next().unwrap_or_default();
        let taken = match table {
            "model" => fill(model, &value),
            "model_reasoning_effort" => fill(&mut settings.effort, &value),
            "model_reasoning_summary" => fill(&mut settings.summary, &value),
            "developer_instructions" => fill(&mut settings.developer_instructions, &value),
            "approval_policy" => {
                settings.approval_policy.get_or_insert(value);
                true
            }
            "sandbox_mode" => {
                settings.sandbox.get_or_insert(value);
                true
            }
            "model_provider" if value.as_str() == Some(provider) => true,
            "model_provider" => return Err(refused("model_provider")),
            "model_providers" if redefines(&name, &value, provider) => {
                return Err(refused("model_providers"));
            }
            table => match REFUSED.iter().find(|refused| **refused == table) {
                Some(setting) => return Err(refused(setting)),
                None => SILENT.contains(&table),
            },
        };
        if !taken {
            ignored.add(table);
        }
    }
    Ok(ignored)
}

/// Sets a text that is not set yet. Returns whether the value is a string.
fn fill(place: &mut Option<String>, value: &Value) -> bool {
    let Some(text) = value.as_str() else {
        return value.is_null();
    };
    place.get_or_insert_with(|| text.to_owned());
    true
}

/// Returns whether a setting changes the provider in use.
fn redefines(name: &str, value: &Value, provider: &str) -> bool {
    match name.split('.').nth(1) {
        Some(changed) => changed == provider,
        None => value.get(provider).is_some(),
    }
}

fn refused(setting: &str) -> RequestError {
    let message = format!(
        "`config.{setting}` is not supported for one thread: it decides where the conversation \
         goes, and that is set for the process"
    );
    RequestError::refused(ErrorKind::Unsupported, message)
}

impl Ignored {
    fn add(&mut self, table: &str) {
        match NAMED.iter().find(|named| **named == table) {
            Some(named) if self.named.contains(named) => {}
            Some(named) => self.named.push(*named),
            None => self.others += 1,
        }
    }

    /// Returns the warning about ignored settings, if any.
    pub(super) fn warning(&self) -> Option<String> {
        let mut names: Vec<_> = self.named.iter().map(|name| format!("`{name}`")).collect();
        match (names.is_empty(), self.others) {
            (true, 0) => return None,
            (_, 0) => {}
            (true, 1) => names.push("one setting".to_owned()),
            (true, others) => names.push(format!("{others} settings")),
            (false, others) => names.push(format!("{others} more")),
        }
        Some(format!(
            "`config` of this thread has settings without meaning here, which were ignored: {}. \
             Threads here are text in, text out, without tools",
            names.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Ignored, apply};
    use crate::threads::Settings;

    fn applied(config: &Value) -> Result<(Settings, Option<String>, Ignored), String> {
        let (mut settings, mut model) = (Settings::default(), None);
        let config = config.as_object().unwrap().clone();
        let ignored = apply(config, "mock", &mut settings, &mut model);
        let ignored = ignored.map_err(|error| error.into_object().message().to_owned())?;
        Ok((settings, model, ignored))
    }

    #[test]
    fn what_has_a_meaning_is_taken() {
        let (settings, model, ignored) = applied(&json!({
            "model": "m", "model_reasoning_effort": "high", "model_reasoning_summary": "none",
            "developer_instructions": "Be brief.", "approval_policy": "never",
            "sandbox_mode": "read-only", "model_provider": "mock", "features.x": true,
            "model_providers": {"another": {}},
        }))
        .unwrap();
        assert_eq!(model.as_deref(), Some("m"));
        assert_eq!(settings.effort.as_deref(), Some("high"));
        assert_eq!(settings.summary.as_deref(), Some("none"));
        assert_eq!(
            settings.developer_instructions.as_deref(),
            Some("Be brief.")
        );
        assert_eq!(settings.approval_policy, Some(json!("never")));
        assert_eq!(settings.sandbox, Some(json!("read-only")));
        assert_eq!(
            (ignored.named, ignored.others),
            (vec!["model_providers"], 0)
        );
    }

    #[test]
    fn where_the_conversation_goes_is_not_for_one_thread() {
        for config in [
            json!({"model_provider": "another"}),
            json!({"model_provider": 1}),
            json!({"model_providers": {"mock": {"base_url": "https://example.com"}}}),
            json!({"model_providers.mock.base_url": "https://example.com"}),
            json!({"chatgpt_base_url": "https://example.com"}),
            json!({"openai_base_url": "https://example.com"}),
            json!({"profile": "p"}),
            json!({"forced_login_method": "api"}),
            json!({"forced_chatgpt_workspace_id": "ws"}),
        ] {
            let refused = applied(&config).unwrap_err();
            assert!(
                refused.contains("not supported for one thread"),
                "{config}: {refused}"
            );
            assert!(!refused.contains("example"), "{refused}");
        }
    }

    #[test]
    fn the_rest_is_ignored_and_counted_without_its_names() {
        for (config, words) in [
            (json!({}), None),
            (json!({"features": {}, "skills": {}}), None),
            (
                json!({"mcp_servers": {}, "mcp_servers.x": {}}),
                Some("ignored: `mcp_servers`. "),
            ),
            (json!({"canary": 1}), Some("ignored: one setting. ")),
            (
                json!({"canary": 1, "canary2": 2}),
                Some("ignored: 2 settings. "),
            ),
            (
                json!({"tools": 1, "canary": 1, "model": 7}),
                Some("ignored: `tools`, 2 more. "),
            ),
        ] {
            let (_, _, ignored) = applied(&config).unwrap();
            let warning = ignored.warning();
            assert_eq!(warning.is_some(), words.is_some(), "{config}");
            let warning = warning.unwrap_or_default();
            assert!(
                warning.contains(words.unwrap_or_default()),
                "{config}: {warning}"
            );
            assert!(!warning.contains("canary"), "{warning}");
        }
    }
}
