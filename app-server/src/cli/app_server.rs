//! `byokey app-server`.

use std::ffi::OsString;
use std::io;
#[cfg(feature = "listen")]
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use byokey_app_server::config::{Config, Environment, Stops};
use byokey_app_server::process::hardening;
use byokey_app_server::process::token_commands::Runner;
use byokey_app_server::process::trace_protocol::{self, ProtocolTrace};
use byokey_app_server::server::connection;
#[cfg(feature = "listen")]
use byokey_app_server::server::connection::Connection;
use byokey_app_server::server::services::Services;
use byokey_auth::stores::StoreKind;
use byokey_protocol::initialize::HardeningReport;
#[cfg(feature = "listen")]
use byokey_rpc::Listener;
use byokey_rpc::{ClaimedStdio, Limits};
use clap::Args;
use tokio::sync::watch;

#[cfg(feature = "generate")]
use super::generate::Generate;
#[cfg(feature = "listen")]
use super::listen::{Listen, ListenLimits, Open};
#[cfg(not(feature = "listen"))]
use super::stdio_only::{Listen, ListenLimits, Open};
use super::{Common, fail};
use byokey_app_server::process::signals::Signals;

/// How long the end of the program may take when its parent has ended. Together with the last lines
/// of a trace it stays within the second that is promised.
const ORPHANED_FAREWELL: Duration = Duration::from_millis(400);

/// Options of `byokey app-server`.
#[derive(Debug, Args)]
#[cfg_attr(feature = "help", command(after_help = super::examples::APP_SERVER))]
pub(crate) struct AppServer {
    /// Longest message that is read, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_message)]
    max_message_bytes: usize,
    /// Exit when this process ends, which must be an ancestor of the new one.
    #[arg(long, value_name = "PID")]
    parent_pid: Option<u32>,
    /// Leave the process open to debuggers and core dumps.
    #[arg(long)]
    allow_debug: bool,
    /// Do not restrict this process from changing files.
    #[arg(long)]
    allow_file_changes: bool,
    /// Trace the traffic, without secrets, to a file, or to standard error with `-`.
    #[arg(long, value_name = "FILE")]
    trace_protocol: Option<OsString>,
    /// Accepted for compatibility with codex; nothing is ever reported.
    #[arg(long)]
    analytics_default_enabled: bool,
    /// Accepted for compatibility with codex; unknown settings stop nothing.
    #[arg(long)]
    strict_config: bool,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    listen: Listen,
    #[cfg(feature = "generate")]
    #[command(subcommand)]
    generate: Option<Generate>,
}

/// The defaults.
impl Default for AppServer {
    fn default() -> Self {
        Self {
            common: Common::default(),
            listen: Listen::default(),
            max_message_bytes: Limits::default().max_message,
            parent_pid: None,
            allow_debug: false,
            allow_file_changes: false,
            trace_protocol: None,
            analytics_default_enabled: false,
            strict_config: false,
            #[cfg(feature = "generate")]
            generate: None,
        }
    }
}

impl AppServer {
    pub(crate) fn run(
        self,
        common: Common,
        environment: Environment,
        mut hardening: HardeningReport,
    ) -> ExitCode {
        #[cfg(feature = "generate")]
        if let Some(generate) = self.generate {
            return generate.run();
        }
        if let Err(problem) = environment.check_folders() {
            return fail(&problem.to_string());
        }
        let limits = self.listen.limits(self.max_message_bytes);
        let overrides = common.and(self.common).into_overrides();
        let config = Config::load(&environment, &overrides);
        if !overrides.is_empty() {
            report_mistakes(&config);
        }
        // Before the process is restricted, and before anything of a client is read.
        let runner = Runner::of(&config);
        if !self.allow_debug {
            hardening = hardening::forbid_new_privileges(hardening);
        }
        let place = match self.listen.place(config.byokey_home.as_deref()) {
            Ok(place) => place,
            Err(error) => return fail(&error.to_string()),
        };
        // It may contain secrets, and was a copy.
        drop(environment);
        let trace = self.trace_protocol.as_deref().map(trace_protocol::open);
        let trace = match trace.transpose() {
            Ok(trace) => trace,
            Err(error) => return fail(&format!("cannot open the file of the trace: {error}")),
        };
        let open = match Open::new(place, config.byokey_home.as_deref()) {
            Ok(open) => open,
            Err(error) => return fail(&error.to_string()),
        };
        if !self.allow_file_changes && config.store == StoreKind::Ephemeral {
            hardening = hardening::forbid_file_changes(hardening, open.folder());
        }
        let trace = match trace.map(ProtocolTrace::to).transpose() {
            Ok(trace) => trace,
            Err(error) => return fail(&format!("cannot write a trace: {error}")),
        };
        hardening.token_commands = runner.report();
        let services = Services::with_token_commands(config, hardening, runner);
        if let Some(trace) = trace.clone() {
            services.peers.trace(trace);
        }
        let served = serve(open, limits, &services, self.parent_pid);
        if let Some(trace) = trace {
            trace.finish();
        }
        match served {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&format!("cannot serve: {error}")),
        }
    }
}

/// Logs what is wrong with the configuration, where arguments are a part of it: the mistake may be on
/// the command line, before there is a client to warn. What stops the start's own login is logged by
/// the start.
fn report_mistakes(config: &Config) {
    let by_start: Vec<_> = config
        .stopped()
        .filter(|(stops, _)| matches!(stops, Stops::Everything | Stops::Logins | Stops::Restoring))
        .map(|(_, problem)| problem.to_string())
        .collect();
    for warning in &config.warnings {
        let details = warning.details.as_deref().unwrap_or_default();
        if !by_start.iter().any(|problem| problem.ends_with(details)) {
            tracing::warn!("{} {details}", warning.summary);
        }
    }
}

fn serve(
    open: Open,
    limits: ListenLimits,
    services: &Arc<Services>,
    parent: Option<u32>,
) -> io::Result<()> {
    byokey_rpc::check_descriptors()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let served = runtime.block_on(async {
        let signals = Signals::new()?;
        open.announce();
        tracing::debug!("byokey {} serves", env!("CARGO_PKG_VERSION"));
        if let Some(parent) = parent {
            services.parent.watch(parent);
        }
        services.begin();
        match open {
            Open::Stdio(stdio) => serve_stdio(stdio, limits, services, signals).await?,
            #[cfg(feature = "listen")]
            Open::Listener { bound, .. } => {
                let (shared, clock) = (Arc::clone(services), Arc::clone(&services.clock));
                let open = move || connection::open_shared(Arc::clone(&shared));
                let listener = Listener::new(bound, open, limits, clock)?;
                serve_listener(listener, services, signals).await;
            }
        }
        let cut_short = async {
            services.parent.gone().await;
            tokio::time::sleep(ORPHANED_FAREWELL).await;
        };
        tokio::select! {
            () = services.end() => {}
            () = cut_short => {}
        }
        Ok(())
    });
    // No client is left to receive the results of calls in progress.
    runtime.shutdown_background();
    served
}

/// Waits for a signal, or for the end of the parent.
async fn end_requested(signals: &mut Signals, services: &Services) {
    tokio::select! {
        () = signals.any() => {}
        () = services.parent.gone() => {}
    }
}

/// Serves one connection, which ends at once on shutdown.
async fn serve_stdio(
    stdio: ClaimedStdio,
    limits: ListenLimits,
    services: &Arc<Services>,
    mut signals: Signals,
) -> io::Result<()> {
    let (reader, writer) = stdio.into_streams()?;
    let (end, shutdown) = watch::channel(false);
    let limits = Limits {
        max_message: limits.max_message,
        ..Limits::default()
    };
    // A task of its own: the runtime polls the blocked-on task only after another look at its event
    // queue, one more system call per message.
    let mut connection = tokio::spawn(byokey_rpc::serve(
        reader,
        writer,
        connection::open(Arc::clone(services)),
        limits,
        shutdown,
    ));
    tokio::select! {
        ended = &mut connection => return Ok(ended.map(|_| ())?),
        () = end_requested(&mut signals, services) => {}
    }
    end.send_replace(true);
    Ok(connection.await.map(|_| ())?)
}

/// Serves connections until a signal, then until no turn is in progress. A second signal, or the
/// end of the parent, ends it at once.
#[cfg(feature = "listen")]
async fn serve_listener<F>(listener: Listener<F>, services: &Arc<Services>, mut signals: Signals)
where
    F: Fn() -> Connection + Send + Sync + 'static,
{
    let (end, shutdown) = watch::channel(false);
    let mut connections = pin!(listener.serve(shutdown));
    let cut_short = async {
        signals.any().await;
        let idle = async {
            services.threads.idle().await;
            end.send_replace(true);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = idle => {}
            () = signals.urgent() => {}
        }
    };
    tokio::select! {
        () = &mut connections => {}
        () = cut_short => {}
        () = services.parent.gone() => {}
    }
}
