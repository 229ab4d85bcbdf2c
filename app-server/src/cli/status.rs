//! `byokey status`: the current login, without network requests.

use std::process::ExitCode;

use byokey_app_server::config::{Config, Environment, Stops};
use byokey_auth::stores::{self, FileStore, StoreKind};
use byokey_auth::{LoginRefusal, OwnCredential, Restored, Store as _};
use byokey_base::clock::{Clock as _, SystemClock};
use byokey_protocol::account::{AuthMode, PlanType};
use byokey_protocol::initialize::HardeningReport;
use clap::Args;
use serde::Serialize;
use tokio::runtime::Runtime;

use super::command::{CommandContext, tell};
use super::{Common, fail, print};

/// Exit codes. Any failure is 2, as for wrong arguments.
const SIGNED_OUT: u8 = 1;
const EXPIRED: u8 = 3;

/// Options of `byokey status`.
#[derive(Debug, Args)]
#[cfg_attr(feature = "help", command(after_help = super::examples::STATUS))]
pub(crate) struct Status {
    #[command(flatten)]
    common: Common,
    /// Print one JSON object on standard output.
    #[arg(long)]
    json: bool,
}

/// The output of `--json`. It never contains a token.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    status: State,
    mode: Option<AuthMode>,
    email: Option<String>,
    plan_type: Option<PlanType>,
    account_id: Option<String>,
    /// Unix seconds.
    expires_at: Option<i64>,
    /// The owner of the token's renewal.
    refresh: Option<&'static str>,
    store: &'static str,
    /// Another store with a login, if this one has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    other_store: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum State {
    SignedIn,
    Expired,
    SignedOut,
}

impl Status {
    pub(crate) fn run(
        self,
        common: Common,
        environment: &Environment,
        hardening: HardeningReport,
    ) -> ExitCode {
        let context = match CommandContext::new(common.and(self.common), environment, hardening) {
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
        let report = report(&context.config, &runtime);
        // A keyring may still wait for its owner.
        runtime.shutdown_background();
        let report = match report {
            Ok(report) => report,
            Err(problem) => return fail(&problem),
        };
        if self.json {
            let text = serde_json::to_string(&report).unwrap_or_default();
            print(&text);
        } else {
            tell(&report.in_words());
        }
        match report.status {
            State::SignedIn => ExitCode::SUCCESS,
            State::SignedOut => ExitCode::from(SIGNED_OUT),
            State::Expired => ExitCode::from(EXPIRED),
        }
    }
}

fn report(config: &Config, runtime: &Runtime) -> Result<Report, String> {
    let checked = config.check(Stops::Logins);
    let checked = checked.and_then(|()| config.check(Stops::Restoring));
    checked.map_err(|problem| problem.to_string())?;
    let store = stores::open(config.store, config.byokey_home.as_deref());
    let signed_in = |mode| Report {
        status: State::SignedIn,
        mode: Some(mode),
        refresh: Some("nobody"),
        ..Report::nobody(store.name())
    };
    if config.access_token.is_some() {
        return Ok(Report {
            store: "environment",
            ..signed_in(AuthMode::PersonalAccessToken)
        });
    }
    for warning in store.warnings() {
        tell(&format!("byokey: {warning}"));
    }
    let kept = runtime.block_on(store.load());
    let Some(kept) = kept.map_err(|failure| failure.to_string())? else {
        return Ok(Report {
            other_store: other_store(config, runtime),
            ..Report::nobody(store.name())
        });
    };
    let unusable = |refusal: LoginRefusal| {
        format!("the stored login cannot be used: {refusal}; sign in again")
    };
    let restored = kept.restore().map_err(|invalid| unusable(invalid.into()))?;
    config.policy.check_restored(&restored).map_err(unusable)?;
    Ok(match restored {
        Restored::PersonalAccessToken(_) => signed_in(AuthMode::PersonalAccessToken),
        Restored::Credential(OwnCredential::Managed(login)) => {
            let renewable = login.tokens().refresh_token.is_some();
            let now = SystemClock.unix_seconds();
            let expired = login.expires_at.is_some_and(|expiry| expiry <= now);
            Report {
                status: if expired && !renewable {
                    State::Expired
                } else {
                    State::SignedIn
                },
                email: login.account.email.clone(),
                plan_type: Some(login.account.plan),
                account_id: login.account.id.clone(),
                expires_at: login.expires_at,
                refresh: Some(if renewable { "byokey" } else { "nobody" }),
                ..signed_in(AuthMode::Chatgpt)
            }
        }
        Restored::Credential(credential) => signed_in(credential.mode()),
    })
}

/// Escapes a claim for a terminal: characters that move the cursor or change colours or the
/// direction of text are shown as codes.
fn printable(claim: &str) -> String {
    let shown = |character: char| {
        let turns_around = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if character.is_control() || turns_around {
            character.escape_unicode().collect()
        } else {
            String::from(character)
        }
    };
    claim.chars().map(shown).collect()
}

/// Returns the file store, if another store is configured and the file contains a login. The
/// keyring is not accessed: it might prompt for its password.
fn other_store(config: &Config, runtime: &Runtime) -> Option<&'static str> {
    if matches!(config.store, StoreKind::File | StoreKind::Auto) {
        return None;
    }
    let file = FileStore::new(config.byokey_home.as_deref()?);
    let kept = runtime.block_on(file.load());
    matches!(kept, Ok(Some(_))).then(|| file.name())
}

impl Report {
    const fn nobody(store: &'static str) -> Self {
        Self {
            status: State::SignedOut,
            mode: None,
            email: None,
            plan_type: None,
            account_id: None,
            expires_at: None,
            refresh: None,
            store,
            other_store: None,
        }
    }

    fn signed_out_in_words(&self) -> String {
        let asked = format!("Not logged in (store: {})", self.store);
        match self.other_store {
            None => asked,
            Some(other) => format!(
                "{asked}. The store `{other}` contains a login: choose it with `--store {other}`, \
                 or with BYOKEY_STORE"
            ),
        }
    }

    fn in_words(&self) -> String {
        let how = match self.mode {
            None => return self.signed_out_in_words(),
            Some(AuthMode::ApiKey) => "an API key",
            Some(AuthMode::PersonalAccessToken) => "an access token",
            Some(AuthMode::Chatgpt | AuthMode::ChatgptAuthTokens) => "ChatGPT",
        };
        let mut lines = vec![format!("Logged in using {how}")];
        let mut add = |name: &str, value: Option<String>| {
            lines.extend(value.map(|value| format!("  {name}: {}", printable(&value))));
        };
        let plan = self.plan_type.map(serde_json::to_value);
        let plan = plan.and_then(|plan| Some(plan.ok()?.as_str()?.to_owned()));
        add("email", self.email.clone());
        add("plan", plan);
        add("account", self.account_id.clone());
        add(
            "expires",
            self.expires_at.map(|at| format!("{at} (Unix seconds)")),
        );
        add("renewed by", self.refresh.map(str::to_owned));
        add("store", Some(self.store.to_owned()));
        if self.status == State::Expired {
            lines.push("The token has expired and is not renewed: run `byokey login`.".into());
        }
        lines.join("\n")
    }
}
