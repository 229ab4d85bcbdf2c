//! The command line.

mod app_server;
mod arguments;
mod at_terminal;
mod browser;
mod codex_options;
mod command;
#[cfg(feature = "demo")]
mod dev_backend;
#[cfg(feature = "doctor")]
mod doctor;
mod environment;
#[cfg(feature = "help")]
mod examples;
mod exit_code;
#[cfg(feature = "gateway")]
mod gateway;
#[cfg(feature = "generate")]
mod generate;
mod import_codex;
#[cfg(feature = "listen")]
mod listen;
mod login;
mod logout;
mod report;
#[cfg(feature = "gateway")]
mod run;
#[cfg(feature = "help")]
mod shell;
mod status;
#[cfg(not(feature = "listen"))]
mod stdio_only;
#[cfg(feature = "gateway")]
mod token;
mod version;
mod waiting;
mod when;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use byokey_app_server::config::{Overrides, is_profile_name};
use byokey_app_server::process::{env_token, log};
use byokey_protocol::initialize::HardeningReport;
use clap::{Args, Parser, Subcommand};

use codex_options::CodexOptions;

/// The argument that leaves the process open to debuggers. It is searched for before arguments are
/// parsed.
pub(crate) const ALLOW_DEBUG: &str = "--allow-debug";

/// The command that serves clients.
const APP_SERVER: &str = "app-server";

/// Owns the login of a coding backend on behalf of an editor or agent host.
#[derive(Debug, Parser)]
#[command(
    name = "byokey",
    disable_version_flag = true,
    arg_required_else_help = true
)]
#[cfg_attr(feature = "help", command(after_help = examples::BYOKEY))]
pub(crate) struct Cli {
    /// Print the version and exit.
    #[arg(short = 'V', long)]
    version: bool,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    codex: CodexOptions,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Speak JSON-RPC on standard input and output: what editors and agent hosts spawn.
    AppServer(Box<app_server::AppServer>),
    /// Run a loopback backend, for developing a host offline.
    #[cfg(feature = "demo")]
    DevBackend(dev_backend::DevBackendCommand),
    /// Show the life of a login: host, server and backend on this machine, no account needed.
    #[cfg(feature = "demo")]
    Demo,
    /// Sign in with ChatGPT in the browser, or another way.
    Login(login::Login),
    /// Remove the stored login, and revoke it.
    Logout(logout::Logout),
    /// Show the current login. Exit code 0: signed in, 1: signed out, 3: expired.
    Status(status::Status),
    /// Run codex, opencode or another program on the login, which it does not get.
    #[cfg(feature = "gateway")]
    Run(Box<run::Run>),
    /// Start the gateway of `run` where it is not a child of the program.
    #[cfg(feature = "gateway")]
    #[command(name = run::Launch::NAME, hide = true)]
    LaunchGateway(run::Launch),
    /// Print the access token in force, for programs that ask a command for it.
    #[cfg(feature = "gateway")]
    Token(token::Token),
    /// Import the login of codex, without changing codex's file.
    ImportCodex(import_codex::ImportCodex),
    /// Let programs on this machine use the login: an address of 127.0.0.1, and a key for it.
    #[cfg(feature = "gateway")]
    Gateway(gateway::Gateway),
    /// Examine the installation, the login and the machine, and name what mends each fault.
    #[cfg(feature = "doctor")]
    Doctor(doctor::Doctor),
    /// Print the version; with `--json`, also the target and the optional parts.
    Version(version::Version),
    /// Print completions for a shell.
    #[cfg(feature = "help")]
    Completion(shell::Completion),
    /// Write the manual pages into a folder.
    #[cfg(feature = "help")]
    Man(shell::Man),
}

/// Options that may precede or follow the subcommand.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Settings")]
struct Common {
    /// Override a setting of config.toml; the value is TOML, or else a string. Repeatable.
    #[arg(short = 'c', long = "config", value_name = "KEY=VALUE")]
    config: Vec<String>,
    /// Use the settings of NAME.config.toml over those of config.toml.
    #[arg(short = 'p', long, value_name = "NAME", value_parser = profile_name)]
    profile: Option<String>,
    /// Where credentials are stored: ephemeral (the default), file, keyring or auto.
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// Accepted for compatibility with codex; features have no meaning here.
    #[arg(long, value_name = "FEATURE")]
    enable: Vec<String>,
    /// Accepted for compatibility with codex; features have no meaning here.
    #[arg(long, value_name = "FEATURE")]
    disable: Vec<String>,
}

impl Common {
    /// Combines both; the other options take precedence.
    fn and(mut self, others: Self) -> Self {
        self.config.extend(others.config);
        self.profile = others.profile.or(self.profile);
        self.store = others.store.or(self.store);
        self.enable.extend(others.enable);
        self.disable.extend(others.disable);
        self
    }

    /// Returns the arguments that mean the same.
    #[cfg(all(feature = "gateway", any(target_os = "linux", target_os = "macos")))]
    fn arguments(&self) -> Vec<OsString> {
        let settings = self.config.iter().flat_map(|setting| ["-c", setting]);
        let named = [("-p", &self.profile), ("--store", &self.store)];
        let named = named
            .iter()
            .filter_map(|(name, value)| Some([*name, value.as_deref()?]));
        settings
            .chain(named.flatten())
            .map(OsString::from)
            .collect()
    }

    fn into_overrides(self) -> Overrides {
        for _ in self.enable.iter().chain(&self.disable) {
            tracing::warn!("a feature was named that has no meaning here; ignoring it");
        }
        if self.config.iter().any(|setting| carries_secret(setting)) {
            tracing::warn!(
                "-c carries a secret: arguments are readable by other processes; name the \
                 environment variable that contains it, with `env_key` or `env_http_headers`"
            );
        }
        Overrides {
            settings: self.config,
            profile: self.profile,
            store: self.store,
        }
    }
}

/// Returns whether an override of a setting contains a secret.
fn carries_secret(setting: &str) -> bool {
    let (key, value) = setting.split_once('=').unwrap_or((setting, ""));
    let is_secret = |text: &str| {
        let text = text.to_ascii_lowercase();
        [
            "bearer_token",
            "authorization",
            "api-key",
            "api_key",
            "apikey",
            "cookie",
            "password",
        ]
        .iter()
        .any(|word| text.contains(word))
    };
    is_secret(key) || (value.contains('{') && is_secret(value))
}

/// codex's text for an invalid name of a profile.
fn profile_name(name: &str) -> Result<String, String> {
    if is_profile_name(name) {
        return Ok(name.to_owned());
    }
    Err(format!(
        "invalid --profile value `{name}`; pass a plain name such as `work`"
    ))
}

impl Cli {
    /// Parses the arguments. Nearly every start is a host's plain `byokey app-server`, which is
    /// recognised without clap, since building its parser takes a third of the startup.
    fn of(arguments: &[OsString]) -> Result<Self, clap::Error> {
        if let [_, only] = arguments
            && only == APP_SERVER
        {
            return Ok(Self {
                common: Common::default(),
                version: false,
                codex: CodexOptions::default(),
                command: Some(Command::AppServer(Box::default())),
            });
        }
        Self::try_parse_from(arguments)
    }
}

/// Parses the arguments.
///
/// # Errors
///
/// The exit code, if they are wrong or ask for help, which is printed.
pub(crate) fn parse() -> Result<Cli, ExitCode> {
    let arguments: Vec<_> = std::env::args_os().collect();
    Cli::of(&arguments).map_err(|error| arguments::report(&error, &arguments))
}

impl Cli {
    /// Returns whether the command may run token commands.
    pub(crate) const fn is_server(&self) -> bool {
        match self.command {
            Some(Command::AppServer(_)) => !self.version,
            #[cfg(feature = "gateway")]
            Some(Command::Gateway(_)) => !self.version,
            _ => false,
        }
    }
}

/// Runs a command that must not be hardened, and returns its exit code. None for all others.
#[cfg(feature = "gateway")]
pub(crate) fn run_unhardened(cli: &Cli) -> Option<ExitCode> {
    match &cli.command {
        _ if cli.version => None,
        Some(Command::Run(command)) => Some(command.run(cli.common.clone())),
        Some(Command::LaunchGateway(command)) => Some(command.run()),
        _ => None,
    }
}

/// Runs the command.
pub(crate) fn run(cli: Cli, hardening: HardeningReport) -> ExitCode {
    if cli.version {
        return print(&version::line());
    }
    let environment = env_token::environment();
    log::start(&environment);
    log::hide_panic_payloads();
    cli.codex.report();
    env_token::report(&environment);
    match cli.command {
        Some(Command::AppServer(command)) => command.run(cli.common, environment, hardening),
        #[cfg(feature = "gateway")]
        Some(Command::Run(command)) => command.run(cli.common),
        #[cfg(feature = "gateway")]
        Some(Command::LaunchGateway(command)) => command.run(),
        #[cfg(feature = "gateway")]
        Some(Command::Token(command)) => command.run(cli.common, &environment, hardening),
        #[cfg(feature = "demo")]
        Some(Command::DevBackend(command)) => command.run(),
        #[cfg(feature = "demo")]
        Some(Command::Demo) => run_demo(),
        Some(Command::Login(command)) => command.run(cli.common, &environment, hardening),
        Some(Command::Logout(command)) => command.run(cli.common, &environment, hardening),
        Some(Command::Status(command)) => command.run(cli.common, &environment, hardening),
        Some(Command::ImportCodex(command)) => command.run(cli.common, &environment, hardening),
        #[cfg(feature = "gateway")]
        Some(Command::Gateway(command)) => command.run(cli.common, &environment, hardening),
        #[cfg(feature = "doctor")]
        Some(Command::Doctor(command)) => command.run(cli.common, &environment, hardening),
        Some(Command::Version(command)) => command.run(),
        #[cfg(feature = "help")]
        Some(Command::Completion(command)) => command.run(),
        #[cfg(feature = "help")]
        Some(Command::Man(command)) => command.run(),
        None => fail("name a subcommand; see `byokey --help`"),
    }
}

/// Plays the demo with this program as its server. The exit code says whether all went as expected.
#[cfg(feature = "demo")]
fn run_demo() -> ExitCode {
    match std::env::current_exe().and_then(|program| byokey_demo::run(&program)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => fail(&format!("cannot start the demo: {error}")),
    }
}

/// Prints a line.
fn print(line: &str) -> ExitCode {
    match writeln!(std::io::stdout(), "{line}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Prints an error on standard error.
fn fail(problem: &str) -> ExitCode {
    drop(writeln!(std::io::stderr(), "byokey: {problem}"));
    ExitCode::from(2)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::Cli;

    #[test]
    fn secrets_among_the_overrides_are_found() {
        for (setting, is_secret) in [
            ("model=gpt-5", false),
            ("model_provider=authorization", false),
            ("model_providers.x.experimental_bearer_token=made-up", true),
            ("model_providers.x.http_headers.Authorization=made-up", true),
            (
                "model_providers.x={http_headers={X-Api-Key=\"made-up\"}}",
                true,
            ),
            ("model_providers.x.env_key=NAME", false),
        ] {
            assert_eq!(super::carries_secret(setting), is_secret, "{setting}");
        }
    }

    #[test]
    fn what_is_not_parsed_means_what_it_would() {
        let arguments = ["byokey", "app-server"];
        let known = Cli::of(&arguments.map(Into::into)).unwrap();
        let parsed = Cli::try_parse_from(arguments).unwrap();
        assert_eq!(format!("{known:?}"), format!("{parsed:?}"));
    }
}
