//! Sources of settings: codex's file, the chosen profile, our own file, and `-c key=value`; later
//! ones take precedence.

use std::path::Path;

use toml::{Table, Value};

use super::environment::Environment;
use super::file::{self, Content};
use super::findings::{Findings, Stops};
use super::reader::shown;

/// The file in codex's folder, and in ours.
const FILE: &str = "config.toml";
/// The table of our own settings.
const OWN_TABLE: &str = "byokey";

/// The settings on the command line.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `-c key=value`, in order. The key may be dotted; the value is TOML, or else a string.
    pub settings: Vec<String>,
    /// `--profile`: a file `NAME.config.toml` with precedence over `config.toml`.
    pub profile: Option<String>,
    /// `--store`: where credentials are stored.
    pub store: Option<String>,
}

impl Overrides {
    /// Returns whether nothing is set on the command line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.settings.is_empty() && self.profile.is_none() && self.store.is_none()
    }

    /// Returns the last string that was given for a key without dots.
    pub(super) fn setting(&self, key: &str) -> Option<String> {
        let layers = self
            .settings
            .iter()
            .rev()
            .filter_map(|text| parse_override(text));
        let mut values = layers.filter_map(|mut layer| layer.remove(key));
        values.next()?.as_str().map(str::to_owned)
    }
}

/// Merges all settings into one table.
pub(super) fn merged(
    environment: &Environment,
    overrides: &Overrides,
    findings: &mut Findings,
) -> Table {
    let codex_home = environment.codex_home();
    let file = codex_home.as_ref().map(|folder| folder.join(FILE));
    let mut settings = read(file.as_deref(), findings).unwrap_or_default();
    if let Some(name) = &overrides.profile {
        let profile = profile(name, codex_home.as_deref(), &settings, findings);
        merge(&mut settings, profile);
    }
    merge_own(&mut settings, environment, findings);
    for setting in &overrides.settings {
        match parse_override(setting) {
            Some(layer) => merge(&mut settings, layer),
            None => findings.stop(
                Stops::Everything,
                "an override with `-c` is not `key=value`".to_owned(),
            ),
        }
    }
    if let Some(name) = settings.get("profile") {
        // codex's text.
        let name = shown(name.as_str().unwrap_or_default());
        findings.stop(
            Stops::Everything,
            format!(
                "legacy `profile = \"{name}\"` config is no longer supported; use `--profile \
                 {name}` with `{name}.config.toml` instead"
            ),
        );
    }
    settings
}

/// Returns the table in the file; `None` if it does not exist or is unusable.
fn read(file: Option<&Path>, findings: &mut Findings) -> Option<Table> {
    let file = file?;
    let content = file::read(file);
    findings.record_file(file, &content);
    match content {
        Ok(content) => Some(known(file, content?, findings)),
        Err(unusable) => {
            findings.stop_at(unusable);
            None
        }
    }
}

/// Returns the table of a file. Clients are warned if codex cannot read it.
fn known(file: &Path, content: Content, findings: &mut Findings) -> Table {
    if content.is_utf16 {
        findings.notice(
            "A configuration file is read here, but not by codex.",
            format!("{} is UTF-16; save it as UTF-8", file.display()),
        );
    }
    content.table
}

/// Returns the settings of a profile.
fn profile(name: &str, codex_home: Option<&Path>, base: &Table, findings: &mut Findings) -> Table {
    let Some(folder) = codex_home else {
        let words = format!("config profile `{name}` not found: there is no home folder");
        findings.stop(Stops::Everything, words);
        return Table::new();
    };
    let file = folder.join(format!("{name}.{FILE}"));
    let tables = base.get("profiles").and_then(Value::as_table);
    let is_legacy = tables.is_some_and(|tables| tables.contains_key(name))
        || base.get("profile").and_then(Value::as_str) == Some(name);
    if is_legacy {
        // codex's text.
        findings.stop(
            Stops::Everything,
            format!(
                "--profile `{name}` cannot be used while {} contains legacy `profile = \
                 \"{name}\"` or `[profiles.{name}]` config; move those settings into {} and \
                 remove the legacy profile selector/table. See \
                 https://developers.openai.com/codex/config-advanced#profiles for more \
                 information.",
                folder.join(FILE).display(),
                file.display()
            ),
        );
    }
    let content = file::read(&file);
    findings.record_file(&file, &content);
    match content {
        Ok(Some(content)) => return known(&file, content, findings),
        Ok(None) if is_legacy => {}
        Ok(None) => findings.stop(
            Stops::Everything,
            format!(
                "config profile `{name}` not found: there is no {}",
                file.display()
            ),
        ),
        Err(unusable) => findings.stop_at(unusable),
    }
    Table::new()
}

/// Merges our own settings: the table `byokey` of the file in our folder, over that of codex's
/// file.
fn merge_own(settings: &mut Table, environment: &Environment, findings: &mut Findings) {
    let Some(folder) = environment.byokey_home() else {
        return;
    };
    if environment.codex_home().as_ref() == Some(&folder) {
        return;
    }
    let file = folder.join(FILE);
    if settings.contains_key(OWN_TABLE) {
        findings.notice(
            "Settings of byokey in codex's config.toml are still read.",
            format!("move the table `[{OWN_TABLE}]` to {}", file.display()),
        );
    }
    let Some(mut own) = read(Some(&file), findings) else {
        return;
    };
    if let Some(table) = own.remove(OWN_TABLE) {
        merge(settings, Table::from_iter([(OWN_TABLE.to_owned(), table)]));
    }
    if !own.is_empty() {
        findings.warn(format!(
            "{} has settings outside of the table `[{OWN_TABLE}]`, the only one that counts there",
            file.display()
        ));
    }
}

/// Returns whether the name is valid for a profile. It becomes part of a file name.
#[must_use]
pub fn is_profile_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=64).contains(&name.len()) && name.bytes().all(is_plain)
}

fn parse_override(setting: &str) -> Option<Table> {
    let (key, raw) = setting.split_once('=')?;
    let value = format!("v = {raw}")
        .parse::<Table>()
        .ok()
        .and_then(|mut table| table.remove("v"))
        .unwrap_or_else(|| Value::String(raw.trim().to_owned()));
    let mut names = key.trim().split('.').rev();
    let last = names.next().filter(|name| !name.is_empty())?;
    let mut layer = Table::from_iter([(last.to_owned(), value)]);
    for name in names {
        layer = Table::from_iter([(name.to_owned(), Value::Table(layer))]);
    }
    Some(layer)
}

fn merge(base: &mut Table, layer: Table) {
    for (key, value) in layer {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(inner)), Value::Table(layer)) => merge(inner, layer),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Environment, Findings, Overrides, Stops, is_profile_name, merged};

    fn settings(overrides: &[&str]) -> (toml::Table, Findings) {
        let overrides = Overrides {
            settings: overrides.iter().map(ToString::to_string).collect(),
            ..Overrides::default()
        };
        let mut findings = Findings::default();
        let table = merged(&Environment::of([]), &overrides, &mut findings);
        (table, findings)
    }

    #[test]
    fn overrides_are_toml_or_else_strings() {
        let (table, findings) =
            settings(&["a.b=1", "a.c = \"x\"", "model=gpt-5", "l=[\"p\"]", "a.b=2"]);
        let expected: toml::Table = "model = 'gpt-5'\nl = ['p']\n[a]\nb = 2\nc = 'x'"
            .parse()
            .unwrap();
        assert_eq!(table, expected);
        assert!(findings.warnings.is_empty());
    }

    #[test]
    fn a_broken_override_stops_everything() {
        for broken in ["nonsense", "=1"] {
            let (_, findings) = settings(&[broken]);
            assert!(findings.problems.stopping(Stops::Everything).is_some());
        }
    }

    #[test]
    fn a_profile_cannot_name_a_file_elsewhere() {
        assert!(is_profile_name("work-2_b"));
        for name in ["", ".", "../x", "a/b", "a\\b", "a.b", "a b", "ä"] {
            assert!(!is_profile_name(name), "{name}");
        }
    }
}
