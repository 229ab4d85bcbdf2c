//! The folders of the configuration and of stored logins, and which variables choose them.

use std::path::PathBuf;

use byokey_app_server::config::{Environment, FolderProblem};
use byokey_auth::Store as _;
use byokey_auth::stores::FileStore;
use tokio::runtime::Runtime;

use super::finding::{Finding, word};

const HOME: &str = Environment::HOME;

/// What is known of the folders.
#[derive(Debug, Default)]
pub(super) struct Facts {
    problem: Option<FolderProblem>,
    home_is_set: bool,
    home: Option<PathBuf>,
    codex_home: Option<PathBuf>,
    byokey_home: Option<PathBuf>,
    /// The folder that would hold logins if `BYOKEY_HOME` were not set, where that has a login.
    other_login: Option<PathBuf>,
}

impl Facts {
    pub(super) fn gather(environment: &Environment, runtime: &Runtime) -> Self {
        let byokey_home = environment.byokey_home();
        let other = environment.default_byokey_home();
        let other = other.filter(|other| byokey_home.as_ref() != Some(other));
        let has_login = |folder: &PathBuf| {
            let found = runtime.block_on(FileStore::new(folder).load());
            matches!(found, Ok(Some(_)))
        };
        Self {
            problem: environment.check_folders().err(),
            home_is_set: environment.named_home().is_some(),
            home: environment.home(),
            codex_home: environment.codex_home(),
            other_login: other.filter(has_login),
            byokey_home,
        }
    }
}

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let mut findings = vec![home(facts)];
    if let Some(problem) = &facts.problem {
        let variable = problem.variable();
        let text = format!("{problem}; every command ends with this error");
        findings.push(Finding::failure("folders.named", text).mend(format!("unset {variable}")));
    }
    if let (Some(codex), Some(ours)) = (&facts.codex_home, &facts.byokey_home) {
        findings.push(if codex == ours {
            Finding::warning(
                "folders.used",
                format!(
                    "BYOKEY_HOME is codex's folder, {}: both use one auth.json, and each renewal \
                     of one signs the other out",
                    ours.display()
                ),
            )
            .mend("unset BYOKEY_HOME")
        } else {
            Finding::ok(
                "folders.used",
                format!(
                    "codex's settings are in {}, ours and stored logins in {}",
                    codex.display(),
                    ours.display()
                ),
            )
        });
    }
    if let Some(other) = &facts.other_login {
        let text = format!(
            "there is also a login in {}, which is not used, because BYOKEY_HOME names another \
             folder",
            other.display()
        );
        let mend = format!("BYOKEY_HOME={} byokey status --store file", word(other));
        findings.push(Finding::warning("folders.otherLogin", text).mend(mend));
    }
    findings
}

fn home(facts: &Facts) -> Finding {
    match &facts.home {
        Some(home) if facts.home_is_set => {
            Finding::ok("folders.home", format!("{HOME} is {}", home.display()))
        }
        Some(home) => Finding::warning(
            "folders.home",
            format!(
                "{HOME} is not set, so the system's entry for the user counts: {}; other \
                 programs may choose another folder",
                home.display()
            ),
        )
        .mend(format!("export {HOME}={}", word(home))),
        None => Finding::failure(
            "folders.home",
            format!(
                "there is no home folder: {HOME} is not set or not absolute, and the system has \
                 no entry for the user; so there is no configuration and no place for a login"
            ),
        )
        .mend("export CODEX_HOME=/path/to/codex BYOKEY_HOME=/path/to/byokey"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::{Facts, check};

    fn usual() -> Facts {
        Facts {
            home_is_set: true,
            home: Some("/home/ada".into()),
            codex_home: Some("/home/ada/.codex".into()),
            byokey_home: Some("/home/ada/.local/share/byokey".into()),
            ..Facts::default()
        }
    }

    #[test]
    fn each_unusual_folder_has_its_line() {
        assert!(check(&usual()).iter().all(|it| it.level == Level::Ok));
        let found = |facts: Facts, id: &str| {
            let findings = check(&facts);
            let found = findings.into_iter().find(|it| it.id == id).unwrap();
            (found.level, found.mend.unwrap_or_default())
        };
        let unset = Facts {
            home_is_set: false,
            ..usual()
        };
        let (level, mend) = found(unset, "folders.home");
        assert_eq!((level, &*mend), (Level::Warning, "export HOME=/home/ada"));
        assert_eq!(found(Facts::default(), "folders.home").0, Level::Failure);
        let shared = Facts {
            byokey_home: Some("/home/ada/.codex".into()),
            ..usual()
        };
        assert_eq!(found(shared, "folders.used").1, "unset BYOKEY_HOME");
        let two = Facts {
            other_login: Some("/srv/byokey".into()),
            ..usual()
        };
        let (level, mend) = found(two, "folders.otherLogin");
        assert_eq!(level, Level::Warning);
        assert!(mend.starts_with("BYOKEY_HOME=/srv/byokey "), "{mend}");
    }
}
