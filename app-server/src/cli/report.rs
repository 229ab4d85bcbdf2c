//! The login that a start of the server would take up, as `byokey status` and `byokey doctor` show
//! it. It is found by the functions that the server's start uses, without a request to the network.

use byokey_app_server::config::{Config, ConfigurationInvalid, Stops};
use byokey_auth::stores::{FileStore, StoreKind};
use byokey_auth::{LoginRefusal, OwnCredential, Restored, Store, StoreFailure};
use byokey_base::clock::{Clock as _, SystemClock};
use byokey_protocol::account::{AuthMode, PlanType};
use byokey_protocol::error::ErrorKind;
use serde::Serialize;

/// What there is to know of the login, without its secrets: the output of `byokey status --json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    pub(super) status: State,
    pub(super) mode: Option<AuthMode>,
    pub(super) email: Option<String>,
    pub(super) plan_type: Option<PlanType>,
    pub(super) account_id: Option<String>,
    /// Unix seconds.
    pub(super) expires_at: Option<i64>,
    /// The owner of the token's renewal.
    pub(super) refresh: Option<&'static str>,
    pub(super) store: &'static str,
    /// Another store with a login, if this one has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) other_store: Option<&'static str>,
    /// Whether codex is signed in, if this program is not.
    #[serde(skip_serializing_if = "is_false")]
    pub(super) codex_login: bool,
    /// The command that prints the token of the selected provider, and the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token_command: Option<TokenCommandReport>,
    /// Why it is not known whether there is a login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<Failure>,
    /// When the tokens were issued, in Unix seconds.
    #[cfg(feature = "doctor")]
    #[serde(skip)]
    pub(super) obtained_at: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum State {
    SignedIn,
    Expired,
    SignedOut,
    Failed,
}

/// The token command of the selected provider, which model calls use whatever the login.
#[derive(Debug, Serialize)]
pub(super) struct TokenCommandReport {
    pub(super) provider: String,
    /// The name of the program alone: arguments may contain secrets.
    pub(super) program: String,
}

impl TokenCommandReport {
    pub(super) fn of(config: &Config) -> Option<Self> {
        let command = config.provider.token_command.as_ref()?;
        Some(Self {
            provider: command.provider.clone(),
            program: command.name().to_owned(),
        })
    }
}

/// A failure, for programs.
#[derive(Debug, Serialize)]
pub(super) struct Failure {
    pub(super) kind: ErrorKind,
    pub(super) message: String,
}

/// Why the login cannot be read or used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    /// The configuration.
    #[error(transparent)]
    Configuration(#[from] ConfigurationInvalid),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreFailure),
    /// The access token of the environment.
    #[error("CODEX_ACCESS_TOKEN cannot be used: {0}; unset it")]
    GivenToken(LoginRefusal),
    /// What is stored.
    #[error("the stored login cannot be used: {0}; sign in again")]
    Login(LoginRefusal),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl Unusable {
    pub(super) const fn kind(&self) -> ErrorKind {
        match self {
            Self::Configuration(_) => ErrorKind::ConfigurationInvalid,
            Self::Store(_) => ErrorKind::StoreFailed,
            Self::GivenToken(refusal) | Self::Login(refusal) => refusal.kind(),
        }
    }
}

impl Report {
    /// Returns a report without a login.
    pub(super) const fn signed_out(store: &'static str) -> Self {
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
            codex_login: false,
            token_command: None,
            error: None,
            #[cfg(feature = "doctor")]
            obtained_at: None,
        }
    }

    /// Returns the report of a failure.
    pub(super) fn failed(store: &'static str, kind: ErrorKind, message: String) -> Self {
        Self {
            status: State::Failed,
            error: Some(Failure { kind, message }),
            ..Self::signed_out(store)
        }
    }

    fn signed_in(store: &'static str, mode: AuthMode) -> Self {
        Self {
            status: State::SignedIn,
            mode: Some(mode),
            refresh: Some("nobody"),
            ..Self::signed_out(store)
        }
    }

    /// Returns the report of a login that can be used.
    pub(super) fn of(restored: &Restored, store: &'static str, now: i64) -> Self {
        let login = match restored {
            Restored::PersonalAccessToken(_) => {
                return Self::signed_in(store, AuthMode::PersonalAccessToken);
            }
            Restored::Credential(OwnCredential::Managed(login)) => login,
            Restored::Credential(credential) => return Self::signed_in(store, credential.mode()),
        };
        let is_renewable = login.tokens().refresh_token.is_some();
        let has_expired = login.expires_at.is_some_and(|expiry| expiry <= now);
        Self {
            status: if has_expired && !is_renewable {
                State::Expired
            } else {
                State::SignedIn
            },
            email: login.account.email.clone(),
            plan_type: Some(login.account.plan),
            account_id: login.account.id.clone(),
            expires_at: login.expires_at,
            refresh: Some(if is_renewable { "byokey" } else { "nobody" }),
            #[cfg(feature = "doctor")]
            obtained_at: login.tokens().obtained_at,
            ..Self::signed_in(store, AuthMode::Chatgpt)
        }
    }

    /// Returns the name of the plan, as the protocol has it.
    pub(super) fn plan(&self) -> Option<String> {
        let plan = serde_json::to_value(self.plan_type?).ok()?;
        plan.as_str().map(str::to_owned)
    }

    /// Returns what the login is, for people.
    pub(super) fn way(&self) -> Option<&'static str> {
        Some(match self.mode? {
            AuthMode::ApiKey => "an API key",
            AuthMode::PersonalAccessToken => "an access token",
            AuthMode::Chatgpt | AuthMode::ChatgptAuthTokens => "ChatGPT",
            AuthMode::BearerToken => "a bearer token of the host",
        })
    }
}

/// Returns the login that a start of the server with this configuration would take up.
pub(super) async fn read(config: &Config, store: &dyn Store) -> Result<Report, Unusable> {
    config.check(Stops::Logins)?;
    config.check(Stops::Restoring)?;
    if config.access_token.is_some() {
        let checked = config.policy.check_personal();
        checked.map_err(Unusable::GivenToken)?;
        let mode = AuthMode::PersonalAccessToken;
        return Ok(Report::signed_in("environment", mode));
    }
    let Some(stored) = store.load().await? else {
        return Ok(Report::signed_out(store.name()));
    };
    let restored = stored
        .restore()
        .map_err(|invalid| Unusable::Login(invalid.into()))?;
    let checked = config.policy.check_restored(&restored);
    checked.map_err(Unusable::Login)?;
    let now = SystemClock.unix_seconds();
    Ok(Report::of(&restored, store.name(), now))
}

/// Adds where else there is a login, to a report without one. No keyring is opened for this: it
/// might prompt for its password.
pub(super) async fn look_elsewhere(report: &mut Report, config: &Config) {
    let is_file = matches!(config.store, StoreKind::File | StoreKind::Auto);
    if let Some(folder) = config.byokey_home.as_deref().filter(|_| !is_file) {
        let file = FileStore::new(folder);
        let found = matches!(file.load().await, Ok(Some(_)));
        report.other_store = found.then(|| file.name());
    }
    let of_codex = config.codex_home.as_deref();
    if let Some(folder) = of_codex.filter(|_| config.codex_home != config.byokey_home) {
        report.codex_login = matches!(FileStore::new(folder).load().await, Ok(Some(_)));
    }
}

/// Escapes a claim for a terminal: characters that move the cursor or change colours or the
/// direction of text are shown as codes.
pub(super) fn printable(claim: &str) -> String {
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
