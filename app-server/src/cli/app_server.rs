//! `byokey app-server`.

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use byokey_app_server::config::{Config, Environment, StoreKind};
use byokey_app_server::hardening;
use byokey_app_server::services::Services;
use byokey_app_server::trace_protocol::{self, ProtocolTrace};
use byokey_app_server::transport::{self, Limits, Shutdown, claim_stdio};
use byokey_protocol::initialize::HardeningReport;
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::{Common, fail};

/// Options of `byokey app-server`.
#[derive(Debug, Args)]
pub(crate) struct AppServer {
    #[command(flatten)]
    common: Common,
    /// Where to listen: `stdio://`.
    #[arg(long, value_name = "URL", default_value = "stdio://")]
    listen: String,
    /// The same as `--listen stdio://`.
    #[arg(long)]
    stdio: bool,
    /// Longest message that is read, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_message)]
    max_message_bytes: usize,
    /// Exit when this process ends, which must be an ancestor of the new one.
    #[arg(long, value_name = "PID")]
    parent_pid: Option<u32>,
    /// Leave the process open to debuggers and core dumps.
    #[arg(long)]
    allow_debug: bool,
    /// Do not have the system keep this process from changing files.
    #[arg(long)]
    allow_file_changes: bool,
    /// Show the traffic, without secrets, in a file, or on standard error with `-`.
    #[arg(long, value_name = "FILE")]
    trace_protocol: Option<OsString>,
    /// Accepted for compatibility with codex; nothing is ever reported.
    #[arg(long)]
    analytics_default_enabled: bool,
}

impl AppServer {
    pub(crate) fn run(
        self,
        common: Common,
        environment: &Environment,
        mut hardening: HardeningReport,
    ) -> ExitCode {
        if !self.stdio && self.listen != "stdio://" {
            return fail("unsupported --listen URL; expected `stdio://`");
        }
        let overrides = common.and(self.common).into_overrides();
        let config = Config::load(environment, &overrides);
        let limits = Limits {
            max_message: self.max_message_bytes,
            ..Limits::default()
        };
        let place = self.trace_protocol.as_deref().map(trace_protocol::open);
        let place = match place.transpose() {
            Ok(place) => place,
            Err(error) => return fail(&format!("cannot open the file of the trace: {error}")),
        };
        if !self.allow_file_changes && config.store == StoreKind::Ephemeral {
            hardening = hardening::forbid_file_changes(hardening);
        }
        let trace = match place.map(ProtocolTrace::to).transpose() {
            Ok(trace) => trace,
            Err(error) => return fail(&format!("cannot write a trace: {error}")),
        };
        let services = Services::new(config, hardening);
        if let Some(trace) = trace.clone() {
            services.peers.trace(trace);
        }
        let served = serve(services, limits, self.parent_pid);
        if let Some(trace) = trace {
            trace.finish();
        }
        match served {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&format!("cannot serve standard input and output: {error}")),
        }
    }
}

fn serve(services: Arc<Services>, limits: Limits, parent: Option<u32>) -> io::Result<()> {
    transport::check_descriptors()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let served = runtime.block_on(async {
        let mut shutdown = told_to_end(&services)?;
        if let Some(parent) = parent {
            services.parent.watch(parent);
        }
        let (reader, writer) = claim_stdio()?.into_streams()?;
        tokio::select! {
            () = services.begin() => {}
            Ok(_) = shutdown.wait_for(|shutdown| *shutdown) => return io::Result::Ok(()),
        }
        transport::serve(reader, writer, Arc::clone(&services), limits, shutdown).await;
        services.end().await;
        io::Result::Ok(())
    });
    // Calls that are still under way have nobody to report to.
    runtime.shutdown_background();
    served
}

/// Ends when a signal asks for it, or with the parent.
fn told_to_end(services: &Arc<Services>) -> io::Result<Shutdown> {
    let (sender, shutdown) = watch::channel(false);
    for kind in [
        SignalKind::terminate(),
        SignalKind::interrupt(),
        SignalKind::hangup(),
    ] {
        let (mut signal, sender) = (signal(kind)?, sender.clone());
        tokio::spawn(async move {
            signal.recv().await;
            sender.send_replace(true);
        });
    }
    let services = Arc::clone(services);
    tokio::spawn(async move {
        services.parent.gone().await;
        sender.send_replace(true);
    });
    Ok(shutdown)
}
