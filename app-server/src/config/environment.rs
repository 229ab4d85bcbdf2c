//! The environment variables of the process, as a value that tests can make up.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// A snapshot of the environment. Variables that are not UTF-8 are left out.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// The environment of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self { variables }
    }

    /// An environment made up of these variables.
    pub fn of<const N: usize>(variables: [(&str, &str); N]) -> Self {
        let variables = variables
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            variables: variables.collect(),
        }
    }

    /// The same with another variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The value of a variable. Blank counts as unset.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.trim().is_empty())
    }

    /// The folder of codex's configuration: `CODEX_HOME`, else `.codex` in the home folder.
    #[must_use]
    pub fn codex_home(&self) -> PathBuf {
        if let Some(home) = self.get("CODEX_HOME") {
            return PathBuf::from(home);
        }
        let home = self
            .get("HOME")
            .or_else(|| self.get("USERPROFILE"))
            .unwrap_or(".");
        PathBuf::from(home).join(".codex")
    }
}
