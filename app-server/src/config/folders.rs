//! The folders of codex's configuration and of what this program stores.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use byokey_base::os_cause::OsCause;

use super::environment::Environment;

/// The variable for the folder of codex's configuration.
const CODEX_HOME: &str = "CODEX_HOME";
/// The variable for the folder of this program's data.
const BYOKEY_HOME: &str = "BYOKEY_HOME";

/// Why a folder named by the environment is unusable. It is not replaced by a default.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FolderProblem {
    /// codex's text.
    #[error("{variable} points to {path:?}, but that path does not exist{hint}")]
    Missing {
        /// The variable.
        variable: &'static str,
        /// Its value.
        path: PathBuf,
        /// What to do, or nothing.
        hint: &'static str,
    },
    /// codex's text.
    #[error("{variable} points to {path:?}, but that path is not a directory")]
    NoDirectory {
        /// The variable.
        variable: &'static str,
        /// Its value.
        path: PathBuf,
    },
    /// codex's text.
    #[error("failed to read {variable} {path:?}: {cause}")]
    Unreadable {
        /// The variable.
        variable: &'static str,
        /// Its value.
        path: PathBuf,
        /// Why.
        cause: OsCause,
    },
    /// An unexpanded tilde.
    #[error("{variable} begins with `~`, which only shells replace; write the whole path")]
    Tilde {
        /// The variable.
        variable: &'static str,
    },
    /// A path that depends on the working directory.
    #[error("{variable} is not an absolute path")]
    Relative {
        /// The variable.
        variable: &'static str,
    },
    /// A path that is not Unicode.
    #[error("{variable} is not UTF-8")]
    NotText {
        /// The variable.
        variable: &'static str,
    },
}

impl FolderProblem {
    /// Returns the variable to change.
    #[must_use]
    pub const fn variable(&self) -> &'static str {
        match self {
            Self::Missing { variable, .. }
            | Self::NoDirectory { variable, .. }
            | Self::Unreadable { variable, .. }
            | Self::Tilde { variable }
            | Self::Relative { variable }
            | Self::NotText { variable } => variable,
        }
    }
}

impl Environment {
    /// Returns the folder of codex's configuration: `CODEX_HOME`, else `.codex` in the home folder.
    /// `None` without a home folder.
    #[must_use]
    pub fn codex_home(&self) -> Option<PathBuf> {
        let named = self.get(CODEX_HOME).map(PathBuf::from);
        named.or_else(|| Some(self.home()?.join(".codex")))
    }

    /// Returns the folder of this program's data: `BYOKEY_HOME`, else the platform's data folder.
    /// `None` without a home folder.
    #[must_use]
    pub fn byokey_home(&self) -> Option<PathBuf> {
        let named = self.get(BYOKEY_HOME).map(PathBuf::from);
        named.or_else(|| self.default_byokey_home())
    }

    /// Returns the folder of this program's data where `BYOKEY_HOME` names none.
    #[must_use]
    pub fn default_byokey_home(&self) -> Option<PathBuf> {
        Some(self.data_home()?.join("byokey"))
    }

    fn data_home(&self) -> Option<PathBuf> {
        let named = |variable| {
            let folder = PathBuf::from(self.get(variable)?);
            folder.is_absolute().then_some(folder)
        };
        if cfg!(windows) {
            named("APPDATA").or_else(|| self.home())
        } else if cfg!(target_os = "macos") {
            Some(self.home()?.join("Library/Application Support"))
        } else {
            named("XDG_DATA_HOME").or_else(|| Some(self.home()?.join(".local/share")))
        }
    }

    /// Checks the folders named by the environment, as codex does before anything else.
    ///
    /// # Errors
    ///
    /// [`FolderProblem`]: otherwise other settings would silently apply.
    pub fn check_folders(&self) -> Result<(), FolderProblem> {
        for variable in [CODEX_HOME, BYOKEY_HOME] {
            if self.is_unreadable(variable) {
                return Err(FolderProblem::NotText { variable });
            }
        }
        let byokey_home = self.get(BYOKEY_HOME);
        if byokey_home.is_some_and(has_tilde) {
            return Err(FolderProblem::Tilde {
                variable: BYOKEY_HOME,
            });
        }
        match self.get(CODEX_HOME) {
            Some(named) => check_directory(CODEX_HOME, named),
            None if self.named_home().is_some() && self.home().is_none() => {
                let variable = Self::HOME;
                Err(FolderProblem::Relative { variable })
            }
            None => Ok(()),
        }
    }
}

fn check_directory(variable: &'static str, named: &str) -> Result<(), FolderProblem> {
    let path = PathBuf::from(named);
    match std::fs::metadata(Path::new(named)) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(FolderProblem::NoDirectory { variable, path }),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(FolderProblem::Missing {
            variable,
            path,
            hint: if has_tilde(named) {
                "; only shells replace `~`, so write the whole path"
            } else {
                ""
            },
        }),
        Err(error) => Err(FolderProblem::Unreadable {
            variable,
            path,
            cause: OsCause::from(&error),
        }),
    }
}

fn has_tilde(path: &str) -> bool {
    path == "~" || path.starts_with("~/") || path.starts_with("~\\")
}

#[cfg(all(test, unix))]
mod tests {
    use std::path::PathBuf;

    use super::Environment;

    /// Returns codex's folder and ours, as texts.
    fn folders<const N: usize>(variables: [(&str, &str); N]) -> [Option<String>; 2] {
        let environment = Environment::of(variables);
        let text = |path: PathBuf| path.display().to_string();
        [
            environment.codex_home().map(text),
            environment.byokey_home().map(text),
        ]
    }

    fn problem<const N: usize>(variables: [(&str, &str); N]) -> Option<String> {
        let checked = Environment::of(variables).check_folders();
        checked.err().map(|problem| problem.to_string())
    }

    #[test]
    #[cfg(not(target_os = "macos"))]
    fn folders_follow_their_variables_and_never_the_working_directory() {
        let some = |text: &str| Some(text.to_owned());
        let usual = [
            some("/home/ada/.codex"),
            some("/home/ada/.local/share/byokey"),
        ];
        assert_eq!(folders([("HOME", "/home/ada")]), usual);
        assert_eq!(folders([("HOME", "")]), [None, None]);
        assert_eq!(folders([("HOME", " ")]), [None, None]);
        assert_eq!(folders([("HOME", ".")]), [None, None]);
        assert_eq!(folders([]), [None, None]);
        let named = [("CODEX_HOME", "/c"), ("BYOKEY_HOME", "/b")];
        assert_eq!(folders(named), [some("/c"), some("/b")]);
        let data = [("HOME", ""), ("XDG_DATA_HOME", "/data")];
        assert_eq!(folders(data), [None, some("/data/byokey")]);
        assert_eq!(folders([("XDG_DATA_HOME", "data")]), [None, None]);
        let blank = [
            ("HOME", "/home/ada"),
            ("CODEX_HOME", " "),
            ("BYOKEY_HOME", ""),
        ];
        assert_eq!(folders(blank), usual);
    }

    #[test]
    fn a_folder_that_is_named_and_cannot_be_used_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().to_str().unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        let file = file.path().to_str().unwrap();
        assert_eq!(problem([("CODEX_HOME", there)]), None);
        assert_eq!(problem([("HOME", "/nonexistent")]), None);
        assert_eq!(problem([("HOME", "")]), None);
        assert_eq!(problem([("HOME", "."), ("CODEX_HOME", there)]), None);
        assert_eq!(problem([("BYOKEY_HOME", "/nonexistent")]), None);
        for (name, value, words) in [
            (
                "CODEX_HOME",
                "/nonexistent/x",
                "CODEX_HOME points to \"/nonexistent/x\", but that path does not exist",
            ),
            (
                "CODEX_HOME",
                "~/x",
                "CODEX_HOME points to \"~/x\", but that path does not exist; only shells",
            ),
            ("CODEX_HOME", file, "but that path is not a directory"),
            ("BYOKEY_HOME", "~", "BYOKEY_HOME begins with `~`"),
            ("HOME", ".", "HOME is not an absolute path"),
        ] {
            let problem = problem([(name, value)]).unwrap();
            assert!(problem.contains(words), "{name}={value}: {problem}");
        }
    }
}
