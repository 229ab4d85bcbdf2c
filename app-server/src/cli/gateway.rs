//! `byokey gateway`: a loopback endpoint for programs that use the login.
//!
//! It stays in the foreground. With `--json` it is the child of another program, `byokey run` above
//! all: it writes one line to standard output, and ends with its standard input, so with its
//! parent. The line is either of
//!
//! ```json
//! {"url":"http://127.0.0.1:PORT","bearer":"at-…","account":{"kind":"chatgpt","email":"…"}}
//! {"error":{"code":"signed_out","message":"no account is signed in. Run `byokey login …`"}}
//! ```
//!
//! `kind` is `chatgpt`, `apiKey`, or `provider` where the selected provider of config.toml has its
//! own key or needs none. `email` is absent where the login does not name one. `code` is
//! `signed_out` (exit code 1), or `failed` (exit code 2): the store or the configuration cannot be
//! used, or the port is taken. The message names the command that helps, and is also written to
//! standard error only without `--json`.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use byokey_app_server::config::{Config, Environment, Stops, TokenCommand};
use byokey_app_server::gateway::{
    ClockHandle, Dependencies, Gateway as Running, KeySocket, Owner, Recorder, Settings,
    key_socket, read_key, read_status,
};
use byokey_app_server::process::hardening;
use byokey_app_server::process::parent::end_of_process;
use byokey_app_server::process::signals::Signals;
use byokey_app_server::process::token_commands::Runner;
use byokey_app_server::server::services::Services;
use byokey_auth::stores::StoreKind;
use byokey_protocol::account::Account;
use byokey_protocol::initialize::HardeningReport;
use byokey_protocol::secret::{Secret, expose_on_the_wire};
use byokey_rpc::{ClaimedStdio, claim_stdio};
use clap::{Args, Subcommand};
use serde::Serialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::exit_code::{FAILED, SIGNED_OUT};
use super::report::{self, State};
use super::{Common, at_terminal, fail};

/// Options of `byokey gateway`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[cfg_attr(feature = "help", command(after_help = super::examples::GATEWAY))]
pub(crate) struct Gateway {
    /// The port on 127.0.0.1; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Print address and bearer as one JSON line, and end with standard input: for a program that
    /// starts it.
    #[arg(long)]
    json: bool,
    /// With `--json`: end with that process in place of standard input, and write to the log alone.
    #[arg(long, hide = true, value_name = "PID", requires = "json")]
    for_pid: Option<u32>,
    /// Append one JSON line for each turn to this file: what was said, without a token.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    question: Option<Question>,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Question {
    /// Print the bearer of the running gateway: the command for `auth` in codex's config.toml.
    Key,
    /// Print what the running gateway has counted, as JSON.
    Status,
}

/// What the gateway of a parent process writes when it serves.
#[derive(Serialize)]
struct Announcement {
    url: String,
    #[serde(serialize_with = "expose_on_the_wire")]
    bearer: Secret,
    account: Kind,
}

/// The login behind a gateway.
#[derive(Debug, Serialize)]
struct Kind {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
}

/// Why the gateway does not serve.
#[derive(Debug, Serialize)]
struct Problem {
    code: &'static str,
    message: String,
}

impl Problem {
    fn failed(message: impl ToString) -> Self {
        Self {
            code: "failed",
            message: message.to_string(),
        }
    }
}

impl Gateway {
    pub(crate) fn run(
        self,
        common: Common,
        environment: &Environment,
        hardening: HardeningReport,
    ) -> ExitCode {
        if let Some(question) = self.question {
            let _ = hardening::forbid_new_privileges(hardening);
            return question.ask(environment);
        }
        if self.json && io::stdout().is_terminal() {
            return fail("the bearer is not shown on a terminal; `--json` is for programs");
        }
        if let Err(error) = byokey_rpc::check_descriptors() {
            return fail(&format!("cannot start: {error}"));
        }
        let for_pid = self.for_pid;
        // A parent reads everything from one line.
        let is_json = self.json;
        let stdio = match is_json.then(claim_stdio).transpose() {
            Ok(stdio) => stdio,
            Err(error) => return fail(&format!("cannot use standard input and output: {error}")),
        };
        let prepared = self.prepare(common, environment, hardening);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => return fail(&format!("cannot start: {error}")),
        };
        let code = runtime.block_on(async {
            let served = match prepared {
                Ok(prepared) => Box::pin(prepared.start()).await,
                Err(problem) => Err(problem),
            };
            match (served, stdio) {
                (Ok(serving), stdio) => Box::pin(serving.serve(stdio, for_pid)).await,
                (Err(problem), stdio) => report_problem(problem, stdio).await,
            }
        });
        runtime.shutdown_background();
        code
    }

    /// Opens everything that is opened before files can no longer be changed.
    fn prepare(
        self,
        common: Common,
        environment: &Environment,
        hardening: HardeningReport,
    ) -> Result<Prepared, Problem> {
        environment.check_folders().map_err(Problem::failed)?;
        let mut overrides = common.and(self.common).into_overrides();
        let mut config = Config::load(environment, &overrides);
        let command = config.provider.token_command.as_ref();
        if command.is_some_and(TokenCommand::is_for_gateway) {
            // The profile for codex is in our settings, too. No gateway is behind another one.
            overrides.settings.push("model_provider=openai".to_owned());
            config = Config::load(environment, &overrides);
        }
        for warning in &config.warnings {
            let details = warning.details.as_deref().unwrap_or_default();
            tracing::warn!("{} {details}", warning.summary);
        }
        config.check(Stops::Logins).map_err(Problem::failed)?;
        // Before the process is restricted.
        let runner = Runner::of(&config);
        let hardening = hardening::forbid_new_privileges(hardening);
        let recorder = match self.record.as_deref() {
            Some(path) => Some(Arc::new(Recorder::open(path).map_err(|error| {
                Problem::failed(format!("cannot record to {}: {error}", path.display()))
            })?)),
            None => None,
        };
        let home = config.byokey_home.as_deref();
        let key = match home.filter(|_| !self.json) {
            Some(home) => Some(KeySocket::bind(key_socket(home)).map_err(Problem::failed)?),
            None => None,
        };
        let hardening = if config.store == StoreKind::Ephemeral {
            let path = home.filter(|_| key.is_some()).map(key_socket);
            hardening::forbid_file_changes(
                hardening,
                path.as_deref().and_then(std::path::Path::parent),
            )
        } else {
            hardening
        };
        Ok(Prepared {
            api_key: environment.get("OPENAI_API_KEY").map(Secret::from),
            port: self.port,
            recorder,
            key,
            services: Services::with_token_commands(config, hardening, runner),
        })
    }
}

impl Question {
    fn ask(self, environment: &Environment) -> ExitCode {
        let Some(home) = environment.byokey_home() else {
            return fail("there is no home folder; set BYOKEY_HOME");
        };
        let path = key_socket(&home);
        let answer = match self {
            Self::Key => read_key(&path),
            Self::Status => read_status(&path),
        };
        let mut answer = match answer {
            Ok(answer) => answer,
            Err(error) => return fail(&error.to_string()),
        };
        answer.push(b'\n');
        match io::stdout().write_all(&answer) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        }
    }
}

/// What a gateway is started from.
struct Prepared {
    api_key: Option<Secret>,
    port: u16,
    recorder: Option<Arc<Recorder>>,
    key: Option<KeySocket>,
    services: Arc<Services>,
}

/// A gateway that serves.
struct Serving {
    gateway: Running,
    account: Kind,
    signals: Signals,
    key: Option<KeySocket>,
    services: Arc<Services>,
}

impl Prepared {
    /// Waits until the login is known, and begins to serve it.
    async fn start(self) -> Result<Serving, Problem> {
        let services = self.services;
        let signals = Signals::new().map_err(Problem::failed)?;
        services.begin();
        if let Some(over) = services.start.over() {
            over.await;
        }
        let account = match account(&services) {
            Some(account) => account,
            None => with_api_key(&services, self.api_key).await?,
        };
        let dependencies = Dependencies {
            backend: Arc::clone(&services.backend),
            auth: Arc::clone(&services.auth),
            clock: ClockHandle(Arc::clone(&services.clock)),
        };
        let settings = Settings {
            owner: Owner::Program,
            port: self.port,
            recorder: self.recorder,
        };
        let gateway = Running::start(dependencies, settings);
        Ok(Serving {
            gateway: gateway.map_err(Problem::failed)?,
            account,
            signals,
            key: self.key,
            services,
        })
    }
}

/// Returns the login in force; none if model requests would need one.
fn account(services: &Services) -> Option<Kind> {
    let provider = || Kind {
        kind: "provider",
        email: None,
    };
    let found = services.auth.read(|credential| {
        credential.map(|credential| match credential.account() {
            Account::Chatgpt { email, .. } => Kind {
                kind: "chatgpt",
                email,
            },
            Account::ApiKey {} => Kind {
                kind: "apiKey",
                email: None,
            },
            _ => provider(),
        })
    });
    found.or_else(|| services.backend.needs_no_login().then(provider))
}

/// Takes the API key of the environment where nothing is signed in.
async fn with_api_key(services: &Arc<Services>, key: Option<Secret>) -> Result<Kind, Problem> {
    if let Some(problem) = services.startup_problem() {
        return Err(Problem::failed(problem));
    }
    let Some(key) = key else {
        return Err(signed_out(services).await);
    };
    let config = services.config();
    if !config.is_store_chosen {
        let mut found = report::Report::signed_out(config.store.name());
        report::look_elsewhere(&mut found, &config).await;
        if let Some(other) = found.other_store {
            return Err(Problem::failed(format!(
                "OPENAI_API_KEY is set, and the store `{other}` has a login, but no store is \
                 chosen: add `--store {other}` for the login, or `--store ephemeral` for the key"
            )));
        }
    }
    let by = services.peers.join().id;
    let refused = |refusal| format!("OPENAI_API_KEY cannot be used: {refusal}");
    let logged_in = services.auth.login_api_key(key, by);
    logged_in.map_err(|refusal| Problem::failed(refused(refusal)))?;
    account(services).ok_or_else(|| Problem::failed("the API key is not in force"))
}

/// Names the command that signs in, or the store that has a login.
async fn signed_out(services: &Services) -> Problem {
    let config = services.config();
    let store = match config.store {
        StoreKind::Ephemeral => "file",
        ref chosen => chosen.name(),
    };
    let mut found = report::Report::signed_out(store);
    debug_assert_eq!(found.status, State::SignedOut);
    report::look_elsewhere(&mut found, &config).await;
    let message = match (found.other_store, found.codex_login) {
        (Some(other), _) => format!(
            "no account is signed in here, but the store `{other}` has a login: add `--store \
             {other}`, or set BYOKEY_STORE={other}"
        ),
        (None, true) => format!(
            "no account is signed in. Run `byokey login --store {store}`; or `byokey import-codex \
             --store {store}`, which takes the login of codex over"
        ),
        (None, false) => format!("no account is signed in. Run `byokey login --store {store}`"),
    };
    Problem {
        code: "signed_out",
        message,
    }
}

impl Serving {
    /// Serves until a signal, or until the parent closes standard input or the named process ends.
    async fn serve(self, stdio: Option<ClaimedStdio>, for_pid: Option<u32>) -> ExitCode {
        let Self {
            gateway,
            account,
            mut signals,
            key,
            services,
        } = self;
        // From before the address is known: that process waits for it, so its pid is not reused.
        let watched = match for_pid.map(end_of_process).transpose() {
            Ok(watched) => watched,
            Err(error) => return fail(&error.to_string()),
        };
        let parent = match stdio {
            None => {
                announce(&gateway, &account);
                None
            }
            Some(stdio) => {
                let announcement = Announcement {
                    url: gateway.url(),
                    bearer: gateway.bearer().duplicate(),
                    account,
                };
                match write_line(stdio, &announcement).await {
                    Ok(reader) => Some(reader),
                    Err(error) => return fail(&format!("cannot write to the parent: {error}")),
                }
            }
        };
        let questions = async {
            let Some(key) = key else {
                return std::future::pending().await;
            };
            let (bearer, counts) = (Arc::clone(gateway.bearer()), Arc::clone(gateway.counts()));
            if let Err(error) = key.serve(bearer, counts).await {
                tracing::error!("`byokey gateway key` is not answered: {error}");
                std::future::pending::<()>().await;
            }
        };
        let closed = async {
            if let Some(watched) = watched {
                return watched.await;
            }
            let Some(mut reader) = parent else {
                return std::future::pending().await;
            };
            let mut ignored = [0; 64];
            while let Ok(1..) = reader.read(&mut ignored).await {}
        };
        tokio::select! {
            () = signals.any() => {}
            () = questions => {}
            () = closed => {}
        }
        drop(gateway);
        services.end().await;
        ExitCode::SUCCESS
    }
}

type Reader = Box<dyn tokio::io::AsyncRead + Send + Unpin>;

/// Writes one line of JSON to the parent, and returns what it writes.
async fn write_line(stdio: ClaimedStdio, line: &impl Serialize) -> io::Result<Reader> {
    let (reader, mut writer) = stdio.into_streams()?;
    let mut text = zeroize::Zeroizing::new(Vec::with_capacity(1024));
    serde_json::to_writer(&mut *text, line)?;
    text.push(b'\n');
    writer.write_all(&text).await?;
    writer.shutdown().await?;
    Ok(Box::new(reader))
}

/// The line of a gateway that does not serve.
#[derive(Serialize)]
struct Line<'a> {
    error: &'a Problem,
}

/// Returns the line of one that does not serve because its arguments are wrong.
pub(super) fn wrong_arguments(message: &str) -> String {
    let error = &Problem::failed(message);
    serde_json::to_string(&Line { error }).unwrap_or_default()
}

async fn report_problem(problem: Problem, stdio: Option<ClaimedStdio>) -> ExitCode {
    match stdio {
        Some(stdio) => {
            // A parent that is gone needs no reason.
            drop(write_line(stdio, &Line { error: &problem }).await);
        }
        None => {
            fail(&problem.message);
        }
    }
    ExitCode::from(if problem.code == "signed_out" {
        SIGNED_OUT
    } else {
        FAILED
    })
}

/// Prints what a user needs: the address, and what to add to codex's settings.
fn announce(gateway: &Running, account: &Kind) {
    let url = gateway.url();
    let login = match (account.kind, account.email.as_deref()) {
        (_, Some(email)) => format!("the login of {}", report::printable(email)),
        ("chatgpt", None) => "a ChatGPT account".to_owned(),
        ("apiKey", None) => "an API key".to_owned(),
        (_, None) => "the selected model provider".to_owned(),
    };
    at_terminal::say(&format!(
        "the gateway serves {login} on {url}; Ctrl-C ends it. `byokey gateway key` prints its key."
    ));
    let snippet = format!(
        "\n# For codex: save this as ~/.codex/byokey.config.toml, then run `codex -p byokey`.\n\
         model_provider = \"byokey\"\n\
         cli_auth_credentials_store = \"ephemeral\"\n\
         [model_providers.byokey]\n\
         name = \"byokey\"\n\
         base_url = \"{url}/v1\"\n\
         wire_api = \"responses\"\n\
         auth = {{ command = \"byokey\", args = [\"gateway\", \"key\"] }}\n\
         \n# For SDKs of OpenAI:\n\
         #   export OPENAI_BASE_URL={url}/v1 OPENAI_API_KEY=\"$(byokey gateway key)\""
    );
    super::print(&snippet);
}
