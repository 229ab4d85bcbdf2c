//! `byokey status`: the current login, without network requests.

use std::process::ExitCode;

use byokey_app_server::config::{Config, Environment};
use byokey_auth::stores;
use byokey_base::clock::{Clock as _, SystemClock};
use byokey_protocol::error::ErrorKind;
use byokey_protocol::initialize::HardeningReport;
use clap::Args;
use tokio::runtime::Runtime;

use super::command::{CommandContext, tell};
use super::exit_code::{EXPIRED, FAILED, SIGNED_OUT};
use super::report::{self, Report, State, TokenCommandReport, printable};
use super::when::TimeFormat;
use super::{Common, fail, print};

/// Options of `byokey status`.
#[derive(Debug, Args)]
#[cfg_attr(feature = "help", command(after_help = super::examples::STATUS))]
pub(crate) struct Status {
    /// Print one JSON object on standard output, also for a failure.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    common: Common,
}

impl Status {
    pub(crate) fn run(
        self,
        common: Common,
        environment: &Environment,
        hardening: HardeningReport,
    ) -> ExitCode {
        // Before there is a second thread.
        let time_format = TimeFormat::at(SystemClock.unix_seconds());
        if let Err(problem) = environment.check_folders() {
            let kind = ErrorKind::ConfigurationInvalid;
            return self.end(
                &Report::failed("unknown", kind, problem.to_string()),
                &time_format,
            );
        }
        let context =
            match CommandContext::new(common.and(self.common.clone()), environment, hardening) {
                Ok(context) => context,
                Err(code) => return code,
            };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => return fail(&format!("cannot start: {error}")),
        };
        let mut report = read(&context.config, &runtime);
        report.token_command = TokenCommandReport::of(&context.config);
        // A keyring may still wait for its owner.
        runtime.shutdown_background();
        self.end(&report, &time_format)
    }

    /// Prints the report, and returns its exit code.
    fn end(&self, report: &Report, time_format: &TimeFormat) -> ExitCode {
        if self.json {
            let text = serde_json::to_string(report).unwrap_or_default();
            print(&text);
        }
        match &report.error {
            // Standard error has the reason in any case: it may be all that is logged.
            Some(failure) => {
                fail(&failure.message);
            }
            None if self.json => {}
            None => tell(&in_words(report, time_format)),
        }
        match report.status {
            State::SignedIn => ExitCode::SUCCESS,
            State::SignedOut => ExitCode::from(SIGNED_OUT),
            State::Expired => ExitCode::from(EXPIRED),
            State::Failed => ExitCode::from(FAILED),
        }
    }
}

fn read(config: &Config, runtime: &Runtime) -> Report {
    let store = stores::open(config.store, config.byokey_home.as_deref());
    let read = runtime.block_on(async {
        let mut report = report::read(config, &*store).await?;
        if report.status == State::SignedOut {
            report::look_elsewhere(&mut report, config).await;
        }
        Ok::<_, report::Unusable>(report)
    });
    if config.access_token.is_none() {
        for warning in store.warnings() {
            tell(&format!("byokey: {warning}"));
        }
    }
    read.unwrap_or_else(|problem| Report::failed(store.name(), problem.kind(), problem.to_string()))
}

fn signed_out_in_words(report: &Report) -> String {
    let mut lines = vec![format!("Not logged in (store: {})", report.store)];
    if let Some(other) = report.other_store {
        lines.push(format!(
            "The store `{other}` contains a login: choose it with `--store {other}`, or with \
             BYOKEY_STORE"
        ));
    }
    if report.codex_login {
        lines.push(
            "codex is signed in: `byokey import-codex --store file` takes its login over"
                .to_owned(),
        );
    }
    if cfg!(feature = "keyring") && report.store == "ephemeral" {
        lines.push(
            "The keyring was not opened, as it may ask for its password: `byokey status --store \
             keyring` does"
                .to_owned(),
        );
    }
    lines.extend(token_command_in_words(report));
    lines.join("\n")
}

fn token_command_in_words(report: &Report) -> Option<String> {
    let command = report.token_command.as_ref()?;
    let (provider, program) = (printable(&command.provider), printable(&command.program));
    Some(format!(
        "Model calls go to the provider `{provider}` with a token that the command `{program}` prints"
    ))
}

fn in_words(report: &Report, time_format: &TimeFormat) -> String {
    let Some(how) = report.way() else {
        return signed_out_in_words(report);
    };
    let has_expired = report.status == State::Expired;
    let mut lines = vec![if has_expired {
        let store = report.store;
        format!("Expired: the login using {how} is not renewed; run `byokey login --store {store}`")
    } else {
        format!("Logged in using {how}")
    }];
    let mut add = |name: &str, value: Option<String>| {
        lines.extend(value.map(|value| format!("  {name}: {}", printable(&value))));
    };
    add("email", report.email.clone());
    add("plan", report.plan());
    add("account", report.account_id.clone());
    let expiry = report.expires_at.map(|at| time_format.moment(at));
    add(if has_expired { "expired" } else { "expires" }, expiry);
    add("renewed by", report.refresh.map(str::to_owned));
    add("store", Some(report.store.to_owned()));
    lines.extend(token_command_in_words(report));
    lines.join("\n")
}
