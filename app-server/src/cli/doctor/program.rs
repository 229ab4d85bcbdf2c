//! The program: its version, and whether the shell finds this one.

use std::path::{Path, PathBuf};

use byokey_app_server::config::Environment;

use super::finding::{Finding, word};

/// What is known of the program.
#[derive(Debug, Default)]
pub(super) struct Facts {
    line: String,
    /// This program.
    this: Option<PathBuf>,
    /// The one that a shell finds under its name.
    on_path: Option<PathBuf>,
}

impl Facts {
    pub(super) fn gather(environment: &Environment) -> Self {
        let resolved = |path: PathBuf| path.canonicalize().unwrap_or(path);
        let path = environment.get_os("PATH").unwrap_or_default();
        let name = format!("byokey{}", std::env::consts::EXE_SUFFIX);
        let mut candidates = std::env::split_paths(path)
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join(&name));
        Self {
            line: format!(
                "{}, {}; {}",
                crate::cli::version::line(),
                env!("BYOKEY_TARGET"),
                crate::cli::version::features().join(", ")
            ),
            this: std::env::current_exe().ok().map(resolved),
            on_path: candidates.find(|file| is_program(file)).map(resolved),
        }
    }
}

fn is_program(file: &Path) -> bool {
    #[cfg(unix)]
    let may_run = |metadata: &std::fs::Metadata| {
        use std::os::unix::fs::PermissionsExt as _;
        metadata.permissions().mode() & 0o111 != 0
    };
    #[cfg(not(unix))]
    let may_run = |_: &std::fs::Metadata| true;
    file.metadata()
        .is_ok_and(|metadata| metadata.is_file() && may_run(&metadata))
}

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let mut findings = vec![Finding::ok("program.version", &*facts.line)];
    let Some(this) = &facts.this else {
        return findings;
    };
    findings.push(match &facts.on_path {
        Some(other) if other != this => Finding::warning(
            "program.path",
            format!(
                "this is {}, but a shell and most hosts find {} under the name `byokey`; \
                 it may be another program",
                this.display(),
                other.display()
            ),
        )
        .mend(match this.parent() {
            Some(folder) => format!("export PATH={}:\"$PATH\"", word(folder)),
            None => "type -a byokey".to_owned(),
        }),
        Some(_) => Finding::ok("program.path", format!("`byokey` is {}", this.display())),
        None => Finding::ok(
            "program.path",
            format!(
                "this is {}; there is no `byokey` on the path, so hosts need all of that",
                this.display()
            ),
        ),
    });
    findings
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::{Facts, check};

    #[test]
    fn another_program_of_that_name_is_pointed_out() {
        let facts = |on_path: Option<&str>| Facts {
            this: Some("/opt/byokey/byokey".into()),
            on_path: on_path.map(Into::into),
            ..Facts::default()
        };
        for (on_path, level) in [
            (None, Level::Ok),
            (Some("/opt/byokey/byokey"), Level::Ok),
            (Some("/usr/bin/byokey"), Level::Warning),
        ] {
            assert_eq!(check(&facts(on_path))[1].level, level, "{on_path:?}");
        }
        let findings = check(&facts(Some("/usr/bin/byokey")));
        let mend = findings[1].mend.as_deref();
        assert_eq!(mend, Some("export PATH=/opt/byokey:\"$PATH\""));
    }
}
