//! Settings of codex that `byokey run` has to know before it adds its own. What is wrong with them is
//! reported by codex, which reads them next.

use toml::{Table, Value};

use super::environment::Environment;
use super::findings::Findings;
use super::layers::{Overrides, merged};

/// Returns `shell_environment_policy.exclude`: the patterns of variables that codex withholds from the
/// model's commands. A list on codex's command line replaces that of the files.
#[must_use]
pub fn excluded_from_tools(environment: &Environment, overrides: &Overrides) -> Vec<String> {
    let settings = settings(environment, overrides);
    let policy = settings.get("shell_environment_policy");
    let list = policy.and_then(|policy| policy.get("exclude")?.as_array());
    let patterns = list.into_iter().flatten().filter_map(Value::as_str);
    patterns.map(str::to_owned).collect()
}

/// Returns `model`.
#[must_use]
pub fn model_of_codex(environment: &Environment, overrides: &Overrides) -> Option<String> {
    let settings = settings(environment, overrides);
    settings
        .get("model")
        .and_then(Value::as_str)
        .map(str::to_owned)
}

fn settings(environment: &Environment, overrides: &Overrides) -> Table {
    merged(environment, overrides, &mut Findings::default())
}
