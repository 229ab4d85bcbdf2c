//! The environment variables of the process, as a value that tests can make up.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// A snapshot of the environment. Variables whose names are not UTF-8 are left out.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
}

impl Environment {
    /// The environment of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| {
                let name = key(name.into_string().ok()?);
                Some((name.into_owned(), value))
            })
            .collect();
        Self { variables }
    }

    /// An environment made up of these variables.
    pub fn of<const N: usize>(variables: [(&str, &str); N]) -> Self {
        let variables = variables
            .into_iter()
            .map(|(name, value)| (key(name).into_owned(), value.into()));
        Self {
            variables: variables.collect(),
        }
    }

    /// The same with another variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(key(name).into_owned(), value.into());
        self
    }

    /// The value of a variable. Blank counts as unset, and so does what is not UTF-8.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_os(name)
            .and_then(OsStr::to_str)
            .filter(|value| !value.trim().is_empty())
    }

    /// The value of a variable as it is.
    #[must_use]
    pub fn get_os(&self, name: &str) -> Option<&OsStr> {
        self.variables
            .get(key(name).as_ref())
            .map(OsString::as_os_str)
    }

    /// The folder of codex's configuration: `CODEX_HOME`, else `.codex` in the home folder.
    #[must_use]
    pub fn codex_home(&self) -> PathBuf {
        if let Some(home) = self.get("CODEX_HOME") {
            return PathBuf::from(home);
        }
        self.home().join(".codex")
    }

    /// The home folder of the user.
    pub(super) fn home(&self) -> PathBuf {
        let [usual, other] = if cfg!(windows) {
            ["USERPROFILE", "HOME"]
        } else {
            ["HOME", "USERPROFILE"]
        };
        let home = self.get(usual).or_else(|| self.get(other));
        PathBuf::from(home.unwrap_or("."))
    }
}

/// What a variable is found by: on Windows, capital and small letters are the same.
fn key<'a>(name: impl Into<Cow<'a, str>>) -> Cow<'a, str> {
    let name = name.into();
    if cfg!(windows) {
        name.to_ascii_uppercase().into()
    } else {
        name
    }
}
