//! `byokey doctor`: examines the installation, the configuration, the login and the machine, and
//! names the command that mends each fault. The report contains no secret, so that it can be pasted.
//!
//! Each area has a file: it gathers facts, by the functions that the server uses to decide, and
//! turns them into findings without any further access to the machine.

mod clocks;
mod finding;
mod folders;
mod login;
mod network;
mod process;
mod program;
mod reach;
mod redact;
mod render;
mod servers;
mod settings;
mod stores;
mod token_command;

use std::process::ExitCode;
use std::time::{Instant, SystemTime};

use byokey_app_server::config::{Config, Environment};
use byokey_app_server::process::hardening;
use byokey_base::clock::{Clock as _, SystemClock};
use byokey_protocol::initialize::HardeningReport;
use clap::Args;
use tokio::runtime::Runtime;

use super::when::TimeFormat;
use super::{Common, fail};
use finding::{Finding, Level};
use redact::Redactor;

/// Options of `byokey doctor`.
#[derive(Debug, Args)]
#[cfg_attr(feature = "help", command(after_help = super::examples::DOCTOR))]
pub(crate) struct Doctor {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Also make one request without a credential to each backend, and compare the clocks.
    #[arg(long)]
    network: bool,
    #[command(flatten)]
    common: Common,
}

impl Doctor {
    pub(crate) fn run(
        self,
        common: Common,
        environment: &Environment,
        hardening: HardeningReport,
    ) -> ExitCode {
        let started = (Instant::now(), SystemTime::now());
        // Read before there is a second thread.
        let time_format = TimeFormat::at(SystemClock.unix_seconds());
        // What is only examined stays as it is; and whether the system can enforce that is one of
        // the questions.
        let hardening = hardening::forbid_file_changes(hardening, None);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => return fail(&format!("cannot start: {error}")),
        };
        let overrides = common.and(self.common).into_overrides();
        let explained = Config::explain(environment, &overrides);
        let mut findings = program::check(&program::Facts::gather(environment));
        findings.extend(folders::check(&folders::Facts::gather(
            environment,
            &runtime,
        )));
        findings.extend(settings::check(&settings::Facts::of(&explained)));
        let config = explained.config;
        let examined = examine(config, &runtime, &time_format, self.network, environment);
        findings.extend(examined);
        findings.extend(clocks::check(&clocks::Facts::gather(started)));
        findings.extend(process::check(hardening));
        // A keyring may still wait for its owner.
        runtime.shutdown_background();
        let redactor = Redactor::of(environment);
        for finding in &mut findings {
            finding.redact(&redactor);
        }
        let printed = if self.json {
            render::json(&findings)
        } else {
            render::text(&findings, render::Paint::of(environment))
        };
        super::print(&printed);
        match finding::worst(&findings) {
            Level::Ok | Level::Warning => ExitCode::SUCCESS,
            Level::Failure => ExitCode::FAILURE,
        }
    }
}

/// Returns the report that nothing was examined, because the arguments are wrong.
pub(super) fn wrong_arguments(message: &str) -> String {
    let mut finding = Finding::failure("program.arguments", message).mend("byokey doctor --help");
    finding.redact(&Redactor::of(&Environment::of_process()));
    render::json(&[finding])
}

/// Examines what depends on the configuration.
fn examine(
    mut config: Config,
    runtime: &Runtime,
    time_format: &TimeFormat,
    may_use_network: bool,
    environment: &Environment,
) -> Vec<Finding> {
    let stores = runtime.block_on(stores::Facts::gather(&config));
    let mut findings = login::check(
        &login::Facts::of(&stores, &config, environment),
        time_format,
    );
    let command = token_command::Facts::gather(&config, environment);
    findings.extend(token_command::check(command.as_ref()));
    findings.extend(stores::check(&stores));
    findings.extend(servers::check(&servers::Facts::gather(
        config.byokey_home.as_deref(),
    )));
    let network = network::Facts::gather(&config, stores.is_chatgpt());
    findings.extend(network::check(&network));
    if may_use_network {
        let settings = std::mem::take(&mut config.network);
        let reached = runtime.block_on(reach::gather(settings, &network));
        findings.extend(reach::check(&reached));
    }
    findings
}
