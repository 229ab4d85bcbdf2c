//! The stores: what lies in each, and why it is used or not. A keyring is asked only where it is the
//! chosen store, because it may prompt for its password.

use std::path::PathBuf;
use std::time::Duration;

use byokey_app_server::config::Config;
use byokey_auth::stores::{self, FileStore, StoreKind};
use byokey_auth::{Store, StoreFailure, Stored};
use byokey_protocol::account::AuthMode;

use super::finding::{Finding, word};
use crate::cli::report::{self, Report, Unusable};

/// How long the chosen store may take. A server waits longer for a keyring.
pub(super) const PATIENCE: Duration = Duration::from_secs(4);

/// What lies in a store.
type Content = Result<Option<&'static str>, StoreFailure>;

/// What is known of the stores.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) kind: StoreKind,
    /// The login that a start would take up; none if the store did not answer within [`PATIENCE`].
    pub(super) selected: Option<Result<Report, Unusable>>,
    warnings: Vec<String>,
    /// Our file, and what lies in it.
    pub(super) file: Option<(PathBuf, Content)>,
    /// That of codex, where that is another one.
    codex: Option<(PathBuf, Content)>,
}

impl Facts {
    pub(super) async fn gather(config: &Config) -> Self {
        let store = stores::open(config.store, config.byokey_home.as_deref());
        let selected = tokio::time::timeout(PATIENCE, report::read(config, &*store)).await;
        let of_codex = config.codex_home.as_deref();
        let of_codex = of_codex.filter(|_| config.codex_home != config.byokey_home);
        Self {
            kind: config.store,
            selected: selected.ok(),
            warnings: store.warnings(),
            file: match config.byokey_home.as_deref() {
                Some(folder) => Some(content(folder).await),
                None => None,
            },
            codex: match of_codex {
                Some(folder) => Some(content(folder).await),
                None => None,
            },
        }
    }

    /// Returns whether the login is that of a ChatGPT account. Without one, it may become one.
    pub(super) fn is_chatgpt(&self) -> bool {
        let report = self.selected.as_ref().and_then(|it| it.as_ref().ok());
        report.and_then(|report| report.mode) != Some(AuthMode::ApiKey)
    }
}

async fn content(folder: &std::path::Path) -> (PathBuf, Content) {
    let content = FileStore::new(folder).load().await;
    let kind = |stored: Stored| match stored {
        Stored::ApiKey(_) => "an API key",
        Stored::Managed(_) => "a ChatGPT login",
        Stored::PersonalAccessToken(_) => "an access token",
    };
    (folder.join("auth.json"), content.map(|it| it.map(kind)))
}

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some((path, content)) = &facts.file {
        findings.push(file(path, content, facts.kind));
    }
    for warning in &facts.warnings {
        let finding = Finding::warning("store.warning", &**warning);
        findings.push(match &facts.file {
            Some((path, _)) => finding.mend(own_file(path)),
            None => finding,
        });
    }
    findings.push(keyring(facts.kind));
    if let Some((path, content)) = &facts.codex {
        findings.push(codex(path, content));
    }
    findings
}

/// Returns the command that makes a file one of our own that no other user reads, whatever it is now.
fn own_file(path: &std::path::Path) -> String {
    let path = word(path);
    format!("cp {path} {path}.new && chmod 600 {path}.new && mv {path}.new {path}")
}

fn file(path: &std::path::Path, content: &Content, kind: StoreKind) -> Finding {
    let is_used = matches!(kind, StoreKind::File | StoreKind::Auto);
    let shown = path.display();
    match content {
        Ok(None) => Finding::ok("store.file", format!("{shown} holds no login")),
        Ok(Some(what)) if is_used => Finding::ok("store.file", format!("{shown} holds {what}")),
        Ok(Some(what)) => Finding::warning(
            "store.file",
            format!("{shown} holds {what}, which is not used: that store is not chosen"),
        )
        .mend("export BYOKEY_STORE=file"),
        Err(failure) => {
            let text = failure.to_string();
            let finding = if is_used {
                Finding::failure("store.file", text)
            } else {
                Finding::warning("store.file", text)
            };
            let path = word(path);
            finding.mend(match failure {
                StoreFailure::Unreadable { .. } => {
                    format!("sudo chown \"$(id -u)\" {path} && chmod 600 {path}")
                }
                _ => format!("mv {path} {path}.old && byokey login --store file"),
            })
        }
    }
}

fn keyring(kind: StoreKind) -> Finding {
    let text = match kind {
        _ if !cfg!(feature = "keyring") => "this program was built without a keyring".to_owned(),
        StoreKind::Keyring | StoreKind::Auto => "the keyring is the chosen store".to_owned(),
        StoreKind::File | StoreKind::Ephemeral => {
            "the keyring was not opened, as it may ask for its password; `byokey status --store \
             keyring` does"
                .to_owned()
        }
    };
    Finding::ok("store.keyring", text)
}

fn codex(path: &std::path::Path, content: &Content) -> Finding {
    let shown = path.display();
    let text = match content {
        Ok(None) => format!("codex has no login at {shown}"),
        Ok(Some(what)) => format!(
            "codex has {what} at {shown}; it is not used here unless it is imported: `byokey \
             import-codex --store file`"
        ),
        Err(_) => format!("the login of codex at {shown} cannot be read"),
    };
    Finding::ok("store.codex", text)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use byokey_auth::StoreFailure;
    use byokey_auth::stores::StoreKind;

    use super::super::finding::Level;
    use super::file;

    #[test]
    fn a_file_is_a_fault_where_it_is_the_chosen_store() {
        let path = Path::new("/b/auth.json");
        let foreign = || {
            Err(StoreFailure::Unreadable {
                place: "/b/auth.json".to_owned(),
                problem: "it belongs to another user".to_owned(),
            })
        };
        let corrupt = || {
            Err(StoreFailure::Corrupt {
                place: "/b/auth.json".to_owned(),
            })
        };
        for (content, kind, level, mend) in [
            (Ok(None), StoreKind::File, Level::Ok, ""),
            (Ok(Some("an API key")), StoreKind::File, Level::Ok, ""),
            (
                Ok(Some("an API key")),
                StoreKind::Ephemeral,
                Level::Warning,
                "export BYOKEY_STORE=file",
            ),
            (foreign(), StoreKind::Auto, Level::Failure, "sudo chown"),
            (foreign(), StoreKind::Keyring, Level::Warning, "sudo chown"),
            (
                corrupt(),
                StoreKind::File,
                Level::Failure,
                "mv /b/auth.json",
            ),
        ] {
            let finding = file(path, &content, kind);
            assert_eq!(finding.level, level, "{content:?}");
            let command = finding.mend.unwrap_or_default();
            assert!(command.starts_with(mend), "{command}");
        }
    }
}
