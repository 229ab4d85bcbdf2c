//! How a configuration was read: which files, and which settings in them had no effect. The reader
//! itself records it, so that nothing else has to know what it reads.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::file::{Content, Unusable};
use super::findings::Findings;
use super::reader::shown;
use super::{Config, Environment, Overrides, layers};

/// A configuration, and how it was read.
#[derive(Debug)]
pub struct Explained {
    /// The configuration.
    pub config: Config,
    /// Its files, in the order in which they were read.
    pub files: Vec<SettingsFile>,
    /// The names of settings and of tables that were not read: they belong to codex, or are
    /// overruled, or do not exist.
    pub without_effect: Vec<String>,
}

/// A file of settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsFile {
    /// Where it is.
    pub path: PathBuf,
    /// What became of it.
    pub state: FileState,
}

/// What became of a file of settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileState {
    /// It was read.
    Read,
    /// There is none.
    Absent,
    /// It is unusable; a warning of the configuration says why.
    Unusable,
}

/// What was read so far.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    /// The files.
    pub(super) files: Vec<SettingsFile>,
    /// The names of the settings and tables.
    pub(super) asked: BTreeSet<String>,
}

impl Config {
    /// Reads the configuration as [`Config::load`] does, and records how.
    #[must_use]
    pub fn explain(environment: &Environment, overrides: &Overrides) -> Explained {
        let mut findings = Findings {
            trail: Some(Trail::default()),
            ..Findings::default()
        };
        let settings = layers::merged(environment, overrides, &mut findings);
        let config = Self::read(&settings, environment, overrides, &mut findings);
        let trail = findings.trail.unwrap_or_default();
        let mut without_effect = Vec::new();
        unread(&settings, "", &trail.asked, &mut without_effect);
        Explained {
            config,
            files: trail.files,
            without_effect,
        }
    }
}

impl Findings {
    /// Records what became of a file, if that is recorded.
    pub(super) fn record_file(&mut self, path: &Path, read: &Result<Option<Content>, Unusable>) {
        if let Some(trail) = &mut self.trail {
            trail.files.push(SettingsFile {
                path: path.to_owned(),
                state: match read {
                    Ok(Some(_)) => FileState::Read,
                    Ok(None) => FileState::Absent,
                    Err(_) => FileState::Unusable,
                },
            });
        }
    }
}

/// Collects the settings below a table that were not asked for. A table of which nothing was asked
/// for is named as a whole.
fn unread(table: &Table, prefix: &str, asked: &BTreeSet<String>, found: &mut Vec<String>) {
    for (name, value) in table {
        let name = format!("{prefix}{}", shown(name));
        let below = format!("{name}.");
        let is_entered = asked.range(below.clone()..).next();
        let is_entered = is_entered.is_some_and(|next| next.starts_with(&below));
        match value {
            Value::Table(inner) if is_entered => unread(inner, &below, asked, found),
            Value::Table(inner) if inner.is_empty() => {}
            Value::Table(_) => found.push(name),
            _ if asked.contains(&name) => {}
            _ => found.push(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Config, Environment, FileState, Overrides};

    /// Returns what had no effect in this file, with these overrides.
    fn without_effect(text: &str, settings: &[&str]) -> Vec<String> {
        let home = tempfile::tempdir().unwrap();
        #[expect(clippy::disallowed_methods, reason = "the test plays the user")]
        std::fs::write(home.path().join("config.toml"), text).unwrap();
        let environment = Environment::of([("CODEX_HOME", home.path().to_str().unwrap())]);
        let overrides = Overrides {
            settings: settings.iter().map(ToString::to_string).collect(),
            ..Overrides::default()
        };
        let explained = Config::explain(&environment, &overrides);
        assert_eq!(explained.files.len(), 1);
        assert_eq!(explained.files[0].state, FileState::Read);
        explained.without_effect
    }

    #[test]
    fn what_is_not_read_is_named_and_nothing_else() {
        let text = "model = 'a'\napproval_policy = 'never'\n[byokey]\nstore = 'file'\nstroe = 1\n\
                    [mcp_servers.x]\ncommand = 'y'\n[model_providers.mine]\n\
                    base_url = 'https://a.example'\nenv_key = 'K'\nhttp_headers = { X = 'y' }\n\
                    experimental_bearer_token = 'made-up'\n[model_providers.other]\nname = 'o'";
        let names = without_effect(text, &["model_provider=mine"]);
        assert_eq!(
            names,
            [
                "approval_policy",
                "byokey.stroe",
                "mcp_servers",
                "model_providers.mine.experimental_bearer_token",
                "model_providers.other",
            ]
        );
    }

    #[test]
    fn what_is_overruled_has_no_effect() {
        let environment = Environment::of([("BYOKEY_STORE", "file")]);
        let overrides = Overrides {
            settings: vec!["byokey.store=keyring".to_owned()],
            ..Overrides::default()
        };
        let explained = Config::explain(&environment, &overrides);
        assert_eq!(explained.without_effect, ["byokey"]);
        assert!(explained.files.is_empty(), "there is no home folder");
    }

    #[test]
    fn a_name_that_may_be_a_secret_is_not_repeated() {
        assert_eq!(without_effect("\"sk made up\" = 1", &[]), ["…"]);
    }
}
