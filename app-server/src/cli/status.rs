//! `byokey status`: who is signed in, without asking anybody.

use std::process::ExitCode;

use byokey_app_server::config::{Config, Environment};
use byokey_app_server::stores;
use byokey_auth::{ManagedLogin, Stored};
use byokey_base::clock::{Clock as _, SystemClock};
use byokey_protocol::account::{AuthMode, PlanType};
use byokey_protocol::initialize::HardeningReport;
use clap::Args;
use serde::Serialize;

use super::person::{Person, tell};
use super::{Common, fail, print};

/// Exit codes. Anything that goes wrong is 2, as for wrong arguments.
const SIGNED_OUT: u8 = 1;
const EXPIRED: u8 = 3;

/// Options of `byokey status`.
#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    common: Common,
    /// Print one JSON object on standard output.
    #[arg(long)]
    json: bool,
}

/// What `--json` prints. It never holds a token.
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
    /// Who renews the token.
    refresh: Option<&'static str>,
    store: &'static str,
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
        let person = Person::new(common.and(self.common), environment, hardening);
        let report = match report(&person.config) {
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

fn report(config: &Config) -> Result<Report, String> {
    let store = stores::open(config.store, &config.byokey_home);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|_| "the system refuses what this command needs to run")?;
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
    let kept = runtime.block_on(store.load());
    // A keyring may still wait for its owner.
    runtime.shutdown_background();
    Ok(match kept.map_err(|failure| failure.to_string())? {
        None => Report::nobody(store.name()),
        Some(Stored::ApiKey(_)) => signed_in(AuthMode::ApiKey),
        Some(Stored::PersonalAccessToken(_)) => signed_in(AuthMode::PersonalAccessToken),
        Some(Stored::Managed(tokens)) => {
            let renewable = tokens.refresh_token.is_some();
            let login = ManagedLogin::new(tokens)
                .map_err(|_| "what is kept is no login that can be read; sign in again")?;
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
    })
}

/// Returns a claim as it may be shown on a terminal: what would move its cursor, change its
/// colours or the direction of its writing is shown as a code.
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
        }
    }

    fn in_words(&self) -> String {
        let how = match self.mode {
            None => return format!("Not logged in (store: {})", self.store),
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
            lines.push("The token has expired and nobody renews it: run `byokey login`.".into());
        }
        lines.join("\n")
    }
}
