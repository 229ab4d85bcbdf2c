//! Selects the provider. A setting that names a recipient is never replaced by another recipient.

use super::address;
use super::environment::Environment;
use super::findings::Stops;
use super::provider::{BUILT_IN, Provider};
use super::reader::{Reader, shown};

/// Ids that codex does not let a configuration define.
const RESERVED: [&str; 3] = ["openai", "ollama", "lmstudio"];
/// Providers built into codex but not into this program.
const NOT_HERE: [&str; 3] = ["ollama", "lmstudio", "amazon-bedrock"];

/// Reads the selected provider. If it is unusable, model calls are stopped.
pub(super) fn read(settings: &mut Reader<'_>, environment: &Environment) -> Provider {
    check_others(settings);
    let mut strict = settings.stopping(Stops::ModelCalls);
    let id = strict.string("model_provider");
    let id = id.unwrap_or_else(|| BUILT_IN.to_owned());
    let is_defined = strict.has_in("model_providers", &id);
    if is_defined && RESERVED.contains(&id.as_str()) {
        // codex's text.
        strict.report_text(format!(
            "model_providers contains reserved built-in provider IDs: `{id}`. Built-in providers \
             cannot be overridden. Rename your custom provider (for example, `{id}-custom`)."
        ));
    } else if NOT_HERE.contains(&id.as_str()) {
        strict.report_text(format!(
            "Model provider `{id}` is built into codex and not supported here; define a provider \
             of another name with its `base_url` in `model_providers`"
        ));
    } else if is_defined && let Some(mut all) = strict.table("model_providers") {
        if let Some(mut table) = all.table(&id) {
            return Provider::read(&id, &mut table, environment);
        }
    } else if id != BUILT_IN {
        // codex's text.
        strict.report_text(format!("Model provider `{}` not found", shown(&id)));
    }
    let openai_base_url = if id == BUILT_IN {
        address::read(&mut strict, "openai_base_url")
    } else {
        None
    };
    Provider {
        id,
        ..Provider::openai(openai_base_url, environment)
    }
}

/// Warns about unused invalid definitions.
fn check_others(settings: &mut Reader<'_>) {
    let selected = settings
        .peek("model_provider")
        .unwrap_or(BUILT_IN)
        .to_owned();
    let Some(mut all) = settings.table("model_providers") else {
        return;
    };
    for id in all.names() {
        if *id == selected {
            continue;
        }
        if RESERVED.contains(&id.as_str()) {
            all.report(id, "is an id of a built-in provider; ignoring its table");
        } else {
            all.table(id);
        }
    }
}
