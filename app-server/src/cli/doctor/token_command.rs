//! The token command of the selected provider: whether there is such a program.

use std::path::{Path, PathBuf};

use byokey_app_server::config::{Config, Environment, TokenCommand};

use super::finding::Finding;

/// What is known of the command. Its arguments are left out: they may contain secrets.
#[derive(Debug)]
pub(super) struct Facts {
    provider: String,
    name: String,
    state: State,
}

/// Whether it can be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Executable,
    /// There is such a file, which may not be executed.
    NotExecutable,
    NotFound,
    NoFolder,
}

impl Facts {
    /// Returns the facts, if the selected provider has a command.
    pub(super) fn gather(config: &Config, environment: &Environment) -> Option<Self> {
        let command = config.provider.token_command.as_ref()?;
        Some(Self {
            provider: command.provider.clone(),
            name: command.name().to_owned(),
            state: state(command, environment),
        })
    }
}

fn state(command: &TokenCommand, environment: &Environment) -> State {
    if command.cwd.as_ref().is_some_and(|cwd| !cwd.is_dir()) {
        return State::NoFolder;
    }
    let path = command.path();
    let is_bare = path.file_name() == Some(path.as_os_str());
    let places: Vec<PathBuf> = match environment.get_os("PATH").filter(|_| is_bare) {
        Some(folders) => std::env::split_paths(folders)
            .map(|folder| folder.join(&path))
            .collect(),
        None => vec![path],
    };
    let found: Vec<_> = places
        .iter()
        .filter_map(|place| is_executable(place))
        .collect();
    match (found.contains(&true), found.is_empty()) {
        (true, _) => State::Executable,
        (false, false) => State::NotExecutable,
        (false, true) => State::NotFound,
    }
}

/// Returns whether a file may be executed; `None` if there is none.
fn is_executable(path: &Path) -> Option<bool> {
    #[cfg(windows)]
    let path = &if path.extension().is_none() {
        path.with_extension("exe")
    } else {
        path.to_owned()
    };
    let metadata = std::fs::metadata(path).ok()?;
    #[cfg(unix)]
    let may = rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok();
    #[cfg(not(unix))]
    let may = true;
    Some(metadata.is_file() && may)
}

pub(super) fn check(facts: Option<&Facts>) -> Vec<Finding> {
    let Some(facts) = facts else {
        return Vec::new();
    };
    let (provider, name) = (&facts.provider, &facts.name);
    let begin =
        format!("the token of the provider `{provider}` is printed by the command `{name}`");
    let failed = |problem: &str, mend: String| {
        let text = format!("{begin}, which {problem}; model calls fail");
        vec![Finding::failure("login.command", text).mend(mend)]
    };
    match facts.state {
        State::Executable => {
            let text = format!("{begin}, which is there and may be executed; it was not run");
            vec![Finding::ok("login.command", text)]
        }
        State::NotExecutable => failed(
            "may not be executed",
            format!("ls -l \"$(command -v {name})\"   # or the path in `auth.command`"),
        ),
        State::NotFound => failed(
            "is not there",
            format!("command -v {name}   # or the path in `auth.command`"),
        ),
        State::NoFolder => failed(
            "has a working folder that is not there",
            "\"${EDITOR:-vi}\" \"${CODEX_HOME:-$HOME/.codex}/config.toml\"   # `auth.cwd`"
                .to_owned(),
        ),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use byokey_app_server::config::{Config, Environment, Overrides};

    use super::super::finding::Level;
    use super::{Facts, State, check};

    fn facts(auth: &str) -> Option<Facts> {
        let settings = [
            "model_provider=mine".to_owned(),
            format!("model_providers.mine={{name=\"Mine\"{auth}}}"),
        ];
        let overrides = Overrides {
            settings: settings.to_vec(),
            ..Overrides::default()
        };
        let environment = Environment::of([("HOME", "/nonexistent"), ("PATH", "/made-up:/bin")]);
        Facts::gather(&Config::load(&environment, &overrides), &environment)
    }

    #[test]
    fn a_command_that_cannot_be_started_is_a_failure() {
        for (auth, state) in [
            ("command=\"sh\"", State::Executable),
            ("command=\"/bin/sh\"", State::Executable),
            ("command=\"sh\", cwd=\"/made-up\"", State::NoFolder),
            ("command=\"./sh\", cwd=\"/bin\"", State::Executable),
            ("command=\"made-up\"", State::NotFound),
            ("command=\"/etc/passwd\"", State::NotExecutable),
            ("command=\"/etc\"", State::NotExecutable),
        ] {
            let auth = format!(", auth={{{auth}, args=[\"made-up-secret\"]}}");
            let facts = facts(&auth).unwrap();
            assert_eq!(facts.state, state, "{auth}");
            let findings = check(Some(&facts));
            let is_ok = findings[0].level == Level::Ok;
            assert_eq!(is_ok, state == State::Executable, "{findings:?}");
            assert!(!format!("{findings:?}").contains("made-up-secret"));
        }
        assert!(facts("").is_none());
    }
}
