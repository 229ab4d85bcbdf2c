//! Common parts of the interactive commands.

use std::fs::File;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use byokey_app_server::config::{Config, Environment, Stops};
use byokey_app_server::server::services::Services;
use byokey_auth::stores::StoreKind;
use byokey_protocol::initialize::HardeningReport;
use byokey_protocol::secret::Secret;
use zeroize::Zeroizing;

use super::Common;

/// Longest secret read from standard input.
const MAX_SECRET: u64 = 64 * 1024;

/// The context of a command.
pub(crate) struct CommandContext {
    pub(crate) config: Config,
    hardening: HardeningReport,
}

impl CommandContext {
    /// Reads the configuration.
    pub(crate) fn new(
        common: Common,
        environment: &Environment,
        hardening: HardeningReport,
    ) -> Result<Self, ExitCode> {
        if let Err(problem) = environment.check_folders() {
            return Err(super::fail(&problem.to_string()));
        }
        let mut config = Config::load(environment, &common.into_overrides());
        // There is no next call that could use one, and no model call.
        config.network.standby = None;
        config.workspace.is_looked_up = false;
        for warning in &config.warnings {
            let details = warning.details.as_deref().unwrap_or_default();
            tell(&format!("byokey: {} {details}", warning.summary));
        }
        Ok(Self { config, hardening })
    }

    /// Reports why no login can be made or stored, and returns the exit code.
    pub(crate) fn refused(&self) -> Option<ExitCode> {
        if let Err(problem) = self.config.check(Stops::Logins) {
            return Some(super::fail(&problem.to_string()));
        }
        self.without_store().map(super::fail)
    }

    /// Returns the error when no store is chosen: a login would be lost when this program ends.
    pub(crate) fn without_store(&self) -> Option<&'static str> {
        (self.config.store == StoreKind::Ephemeral).then_some(
            "no store is chosen, so no login outlives this command: name one with `--store file` \
             (or keyring, or auto), with BYOKEY_STORE, or with `store` in the table [byokey] of config.toml in BYOKEY_HOME",
        )
    }

    /// Runs a command to its end.
    pub(crate) fn run<F>(self, command: impl FnOnce(Arc<Services>) -> F) -> ExitCode
    where
        F: Future<Output = ExitCode>,
    {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => return super::fail(&format!("cannot start: {error}")),
        };
        let services = Services::new(self.config, self.hardening);
        let code = runtime.block_on(async {
            let code = command(Arc::clone(&services)).await;
            services.end().await;
            code
        });
        // A thread may still wait for a line from the terminal.
        runtime.shutdown_background();
        code
    }
}

/// Prints a message for the user. Standard output is for programs.
pub(crate) fn tell(text: &str) {
    // A closed standard error is not a failure.
    drop(writeln!(std::io::stderr(), "{text}"));
}

/// Returns standard input without the standard library's buffer, which is not wiped.
pub(crate) fn unbuffered_input() -> std::io::Result<File> {
    #[cfg(unix)]
    let input = std::os::fd::AsFd::as_fd(&std::io::stdin()).try_clone_to_owned();
    #[cfg(windows)]
    let input = std::os::windows::io::AsHandle::as_handle(&std::io::stdin()).try_clone_to_owned();
    input.map(File::from)
}

/// Returns standard output without the standard library's buffer, which is not wiped.
#[cfg(feature = "gateway")]
pub(crate) fn unbuffered_output() -> std::io::Result<File> {
    #[cfg(unix)]
    let output = std::os::fd::AsFd::as_fd(&std::io::stdout()).try_clone_to_owned();
    #[cfg(windows)]
    let output = std::os::windows::io::AsHandle::as_handle(&std::io::stdout()).try_clone_to_owned();
    output.map(File::from)
}

/// Why a secret could not be read from standard input.
pub(crate) enum NoSecret {
    /// The user would have to type it visibly.
    Terminal,
    /// There is none.
    Empty,
    /// It cannot be read.
    Unreadable(std::io::Error),
}

/// Reads a secret from standard input.
pub(crate) fn read_secret() -> Result<Secret, NoSecret> {
    if std::io::stdin().is_terminal() {
        return Err(NoSecret::Terminal);
    }
    let mut text = Zeroizing::new(Vec::with_capacity(4096));
    let file = unbuffered_input().map_err(NoSecret::Unreadable)?;
    file.take(MAX_SECRET)
        .read_to_end(&mut text)
        .map_err(NoSecret::Unreadable)?;
    let text = std::str::from_utf8(&text)
        .map_err(|_| NoSecret::Empty)?
        .trim();
    if text.is_empty() {
        return Err(NoSecret::Empty);
    }
    Ok(Secret::from(text))
}
