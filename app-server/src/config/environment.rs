//! The environment variables of the process, as a value that tests can construct.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// A snapshot of the environment. Variables with non-UTF-8 names are left out.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
    is_of_process: bool,
}

impl Environment {
    /// Returns the environment of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| {
                let name = key(name.into_string().ok()?);
                Some((name.into_owned(), value))
            })
            .collect();
        Self {
            variables,
            is_of_process: true,
        }
    }

    /// Returns an environment of these variables alone. Nothing is read from the system.
    pub fn of<const N: usize>(variables: [(&str, &str); N]) -> Self {
        let variables = variables
            .into_iter()
            .map(|(name, value)| (key(name).into_owned(), value.into()));
        Self {
            variables: variables.collect(),
            ..Self::default()
        }
    }

    /// Adds another variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(key(name).into_owned(), value.into());
        self
    }

    /// Returns a variable. Blank and non-UTF-8 values count as unset.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_os(name)
            .and_then(OsStr::to_str)
            .filter(|value| !value.trim().is_empty())
    }

    /// Returns the raw value of a variable.
    #[must_use]
    pub fn get_os(&self, name: &str) -> Option<&OsStr> {
        self.variables
            .get(key(name).as_ref())
            .map(OsString::as_os_str)
    }

    /// Returns whether the variable's value is not UTF-8.
    pub(super) fn is_unreadable(&self, name: &str) -> bool {
        self.get_os(name)
            .is_some_and(|value| value.to_str().is_none())
    }

    /// Returns a source from which this environment can be read again, without its values where
    /// possible.
    pub(super) fn source(&self) -> Source {
        if self.is_of_process {
            Source::Process
        } else {
            Source::Fixed(self.clone())
        }
    }

    /// Returns the user's home folder: that of [`Self::named_home`], else the system's entry for the
    /// user. Never a path that depends on the working directory.
    #[must_use]
    pub fn home(&self) -> Option<PathBuf> {
        let named = self.named_home().map(PathBuf::from);
        let home = named.or_else(|| home_of_user().filter(|_| self.is_of_process));
        home.filter(|home| home.is_absolute())
    }

    /// Returns the value of [`Self::HOME`]. A blank one counts as unset.
    #[must_use]
    pub fn named_home(&self) -> Option<&OsStr> {
        let is_blank = |value: &OsStr| value.to_str().is_some_and(|text| text.trim().is_empty());
        self.get_os(Self::HOME).filter(|value| !is_blank(value))
    }

    /// The variable that names the home folder.
    pub const HOME: &'static str = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
}

/// Returns the home folder in the system's entry for the user. The standard library's function reads
/// the variable first, and takes a blank one for a folder.
#[cfg(unix)]
fn home_of_user() -> Option<PathBuf> {
    use uzers::os::unix::UserExt as _;
    let user = uzers::get_user_by_uid(uzers::get_current_uid())?;
    Some(user.home_dir().to_owned())
}

/// Returns the home folder in the system's entry for the user, unless the variable is blank.
#[cfg(not(unix))]
fn home_of_user() -> Option<PathBuf> {
    std::env::home_dir()
}

/// The source of an environment, to read it again later.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// The process; its values are not copied.
    Process,
    /// A fixed one.
    Fixed(Environment),
}

impl Source {
    pub(super) fn read(&self) -> Environment {
        match self {
            Self::Process => Environment::of_process(),
            Self::Fixed(environment) => environment.clone(),
        }
    }
}

/// Normalises a variable's name: on Windows, names ignore case.
fn key<'a>(name: impl Into<Cow<'a, str>>) -> Cow<'a, str> {
    let name = name.into();
    if cfg!(windows) {
        name.to_ascii_uppercase().into()
    } else {
        name
    }
}
