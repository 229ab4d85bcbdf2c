//! The command that prints a provider's token: `model_providers.<id>.auth`, in codex's words.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::{Table, Value};

use super::environment::Environment;
use super::findings::Findings;
use super::reader::{Reader, shown};

/// How long a command may run unless `timeout_ms` says otherwise, as in codex.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Values of `timeout_ms`: an hour is enough for a command that asks a person.
const TIMEOUT_RANGE: std::ops::RangeInclusive<u64> = 1..=3_600_000;
/// How long a token is used unless `refresh_interval_ms` says otherwise, as in codex.
const REFRESH_INTERVAL: Duration = Duration::from_secs(300);

/// A command that prints the bearer of a provider (credential helper). It is started without a shell.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenCommand {
    /// The provider's id, for texts.
    pub provider: String,
    /// The program: a name that is looked for in `PATH`, or a path.
    pub program: String,
    /// Its arguments. They may contain secrets.
    pub args: Vec<String>,
    /// Its working folder; the process's own without one.
    pub cwd: Option<PathBuf>,
    /// How long it may run.
    pub timeout: Duration,
    /// The age at which its token is replaced; `None` for never before a 401.
    pub refresh_interval: Option<Duration>,
}

impl TokenCommand {
    /// Returns whether it asks for the key of a gateway of this program.
    #[must_use]
    pub fn is_for_gateway(&self) -> bool {
        let words = self.args.iter().map(String::as_str);
        self.name() == "byokey" && words.eq(["gateway", "key"])
    }

    /// Returns the program to start: a bare name as it is, a relative path below the working folder.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        let program = Path::new(&self.program);
        let is_name = program.components().count() == 1 && !self.program.contains('/');
        match &self.cwd {
            Some(cwd) if !is_name => cwd.join(program),
            _ => program.to_owned(),
        }
    }

    /// Returns the last part of the program's name, for texts.
    #[must_use]
    pub fn name(&self) -> &str {
        let name = Path::new(&self.program).file_name();
        shown(name.and_then(|name| name.to_str()).unwrap_or_default())
    }
}

/// The arguments are left out.
impl fmt::Debug for TokenCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCommand")
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}

/// Reads the command of a provider.
pub(super) fn read(
    id: &str,
    table: &mut Reader<'_>,
    environment: &Environment,
) -> Option<TokenCommand> {
    if !table.has("auth") {
        return None;
    }
    let needs_login = table.boolean("requires_openai_auth") == Some(true);
    let others = [
        ("env_key", table.has("env_key")),
        (
            "experimental_bearer_token",
            table.has("experimental_bearer_token"),
        ),
        ("requires_openai_auth", needs_login),
    ];
    let others: Vec<_> = others.iter().filter(|(_, is_set)| *is_set).collect();
    if !others.is_empty() {
        let names: Vec<_> = others.iter().map(|(name, _)| *name).collect();
        // codex's text.
        table.report_text(format!(
            "model_providers.{}: provider auth cannot be combined with {}",
            shown(id),
            names.join(", ")
        ));
        return None;
    }
    let mut auth = table.table("auth")?;
    if !auth.has("command") {
        auth.report("command", "is missing: it names the program to run");
        return None;
    }
    let program = auth.string("command");
    if program.as_ref().is_some_and(|it| it.trim().is_empty()) {
        // codex's text.
        auth.report_text(format!(
            "model_providers.{}: provider auth.command must not be empty",
            shown(id)
        ));
        return None;
    }
    let args = optional(&mut auth, "args", |it, name| it.words(name))?;
    let timeout = optional(&mut auth, "timeout_ms", |it, name| it.number(name))?;
    if timeout.is_some_and(|it| !TIMEOUT_RANGE.contains(&it)) {
        auth.report("timeout_ms", "must be from 1 to 3600000");
        return None;
    }
    let interval = optional(&mut auth, "refresh_interval_ms", |it, name| it.number(name))?;
    let interval = interval.map_or(REFRESH_INTERVAL, Duration::from_millis);
    Some(TokenCommand {
        provider: shown(id).to_owned(),
        program: program?,
        args: args.unwrap_or_default(),
        cwd: folder(&mut auth, environment)?,
        timeout: timeout.map_or(TIMEOUT, Duration::from_millis),
        refresh_interval: (!interval.is_zero()).then_some(interval),
    })
}

/// Reads a setting that may be missing; `None` if it has another type, which is reported.
fn optional<T>(
    table: &mut Reader<'_>,
    name: &str,
    read: impl FnOnce(&mut Reader<'_>, &str) -> Option<T>,
) -> Option<Option<T>> {
    if !table.has(name) {
        return Some(None);
    }
    read(table, name).map(Some)
}

/// Reads the working folder. As in codex, a relative one is below the folder of the configuration,
/// and `~` is the home folder.
fn folder(auth: &mut Reader<'_>, environment: &Environment) -> Option<Option<PathBuf>> {
    let Some(cwd) = optional(auth, "cwd", |it, name| it.string(name))? else {
        return Some(None);
    };
    let in_home = match cwd.strip_prefix('~') {
        Some("") => Some(""),
        Some(rest) => rest.strip_prefix('/'),
        None => None,
    };
    let folder = match in_home {
        Some(rest) => environment.home().map(|home| home.join(rest)),
        None if Path::new(&cwd).is_absolute() => Some(PathBuf::from(&cwd)),
        None => environment.codex_home().map(|home| home.join(&cwd)),
    };
    if folder.is_none() {
        auth.report("cwd", "is not absolute, and there is no home folder");
    }
    folder.map(Some)
}

/// Returns the usable commands of all providers. What is wrong with others is reported where they
/// are selected.
pub(super) fn all(settings: &Table, environment: &Environment) -> BTreeMap<String, TokenCommand> {
    let Some(Value::Table(providers)) = settings.get("model_providers") else {
        return BTreeMap::new();
    };
    let has_command = |provider: &Value| provider.get("auth").is_some();
    let ids = providers.iter().filter(|(_, it)| has_command(it));
    let mut ignored = Findings::default();
    ids.filter_map(|(id, _)| {
        let mut all = Reader::new(providers, &mut ignored);
        let command = read(id, &mut all.table(id)?, environment)?;
        Some((id.clone(), command))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    use super::super::{Config, Environment, Overrides, Stops};

    fn config(settings: &[&str]) -> Config {
        let provider = ["model_provider=mine", "model_providers.mine.name=Mine"];
        let overrides = Overrides {
            settings: provider
                .iter()
                .chain(settings)
                .map(ToString::to_string)
                .collect(),
            ..Overrides::default()
        };
        let home = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        Config::load(&Environment::of([(home, "/home/ada")]), &overrides)
    }

    #[test]
    fn the_defaults_are_those_of_codex() {
        let config = config(&["model_providers.mine.auth.command=helper"]);
        let command = config.provider.token_command.as_ref().unwrap();
        assert_eq!(command.timeout, Duration::from_secs(5));
        assert_eq!(command.refresh_interval, Some(Duration::from_secs(300)));
        assert_eq!((command.args.len(), &command.cwd), (0, &None));
        assert_eq!(command.path(), Path::new("helper"));
        assert!(config.check(Stops::ModelCalls).is_ok());
        assert_eq!(config.usable_token_commands().len(), 1);
    }

    #[test]
    #[cfg(unix)]
    fn folders_and_programs_are_found_as_in_codex() {
        for (cwd, program, folder, path) in [
            ("", "./h", "/home/ada/.codex/", "/home/ada/.codex/./h"),
            (".", "b/h", "/home/ada/.codex/.", "/home/ada/.codex/./b/h"),
            ("~", "../h", "/home/ada/", "/home/ada/../h"),
            ("~/bin", "h", "/home/ada/bin", "h"),
            ("/srv", "/bin/h", "/srv", "/bin/h"),
            ("/srv", "~/h", "/srv", "/srv/~/h"),
        ] {
            let config = config(&[
                &format!("model_providers.mine.auth.command=\"{program}\""),
                &format!("model_providers.mine.auth.cwd=\"{cwd}\""),
            ]);
            let command = config.provider.token_command.unwrap();
            assert_eq!(command.cwd, Some(PathBuf::from(folder)), "{cwd}");
            assert_eq!(command.path(), Path::new(path), "{cwd} {program}");
        }
    }

    #[test]
    fn a_command_of_another_provider_is_known_where_the_file_will_be_read_again() {
        let other = "model_providers.other.auth.command=helper";
        assert!(config(&[other]).usable_token_commands().is_empty());
        let stopped = config(&[other, "model_providers.mine.base_url=5"]);
        assert_eq!(stopped.usable_token_commands().len(), 1);
        let unusable = config(&["model_providers.other.auth.args=[]"]);
        assert!(unusable.check(Stops::ModelCalls).is_ok());
        assert!(unusable.token_commands.is_empty());
    }

    #[test]
    fn arguments_are_not_shown() {
        let provider = config(&[
            "model_providers.mine.auth.command=helper",
            "model_providers.mine.auth.args=[\"made-up-secret\"]",
        ])
        .provider;
        let shown = format!("{provider:?}");
        assert!(
            shown.contains("TokenCommand") && !shown.contains("made-up"),
            "{shown}"
        );
    }
}
