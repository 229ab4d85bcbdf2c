//! The configuration: `$CODEX_HOME/config.toml` in codex's words, `-c key=value`, and the
//! environment.
//!
//! Nothing in it ends the process. An unusable setting is reported to every client in a
//! `configWarning` and stops what depends on it; see [`Stops`]. It is never replaced by a default
//! that would select another login or another recipient.
//!
//! Reading order: `file` and `layers` (where settings come from), `reader` and `findings` (their
//! problems), then each part, and `live` (when they are read again).

mod address;
mod agents;
mod codex_version;
mod environment;
mod explained;
mod file;
mod findings;
mod folders;
mod issuer;
mod layers;
mod live;
mod network;
mod plaintext;
mod policy;
mod provider;
mod reader;
mod recipient;
mod selection;
mod store;
#[cfg(test)]
mod tests;
mod token_command;
mod unload;
mod workload_identity;
mod workspace;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use byokey_protocol::secret::Secret;
use byokey_protocol::warning::ConfigWarning;

pub use agents::{excluded_from_tools, model_of_codex};
pub use environment::Environment;
use environment::Source;
pub use explained::{Explained, FileState, SettingsFile};
pub use findings::{ConfigurationInvalid, Stops};
use findings::{Findings, Problems};
pub use folders::FolderProblem;
pub use layers::{Overrides, is_profile_name};
pub use live::LiveConfig;
pub use provider::{MissingKey, Provider};
use reader::Reader;
pub use recipient::BearerRefusal;
pub(crate) use recipient::{CHATGPT_HOSTS, is_below_any};
pub use token_command::TokenCommand;
pub use workload_identity::FEDERATION_RULE;
pub use workspace::{OriginRefusal, WorkspaceOrigin, WorkspaceSettings};

use byokey_auth::http_issuer::IssuerSettings;
use byokey_auth::stores::StoreKind;
use byokey_auth::{LoginPolicy, PersonalAccessToken};

/// The default of `chatgpt_base_url`.
pub const CHATGPT_BASE_URL: &str = "https://chatgpt.com/backend-api";
/// The API's base URL.
pub const OPENAI_BASE_URL: &str = "https://api.openai.com/v1";

/// Settings of the server.
#[derive(Debug)]
pub struct Config {
    /// The folder of the configuration; `None` without a home folder.
    pub codex_home: Option<PathBuf>,
    /// The model of threads that name none.
    pub model: Option<String>,
    /// Where model requests go.
    pub provider: Provider,
    /// The token commands of all providers, by the providers' ids.
    pub token_commands: BTreeMap<String, TokenCommand>,
    /// The version of codex that this program states, in `version`, `client_version` and the user
    /// agent. The backend decides by it which models to offer.
    pub codex_version: String,
    /// The ChatGPT backend, without a slash at the end.
    pub chatgpt_base_url: String,
    /// How long a thread stays loaded after its last subscriber has unsubscribed.
    pub thread_unload_delay: Duration,
    /// Which logins are allowed.
    pub policy: LoginPolicy,
    /// Where credentials are stored.
    pub store: StoreKind,
    /// Whether the user chose it.
    pub is_store_chosen: bool,
    /// The folder of stored data; `None` without a home folder.
    pub byokey_home: Option<PathBuf>,
    /// The issuer of managed logins.
    pub issuer: IssuerSettings,
    /// `CODEX_ACCESS_TOKEN`: a personal access token with precedence over the stored login.
    pub access_token: Option<Secret>,
    /// Origins that may receive a provider's own key, or a bearer token of the host, without
    /// encryption. Never ChatGPT tokens, keys of the login, or anything for the issuer.
    pub plaintext_origins: Vec<url::Origin>,
    /// Where model calls of workspaces may go, and whether that is looked up.
    pub workspace: WorkspaceSettings,
    /// Originator sent to the backend instead of the client's name.
    pub originator_override: Option<String>,
    /// Proxies, certificate authorities, and where a key may be sent unencrypted.
    pub network: byokey_http::Settings,
    /// Warnings for every client.
    pub warnings: Vec<ConfigWarning>,
    /// The operations that are stopped.
    problems: Problems,
    /// Its sources.
    sources: (Source, Overrides),
}

impl Config {
    /// Reads the configuration.
    #[must_use]
    pub fn load(environment: &Environment, overrides: &Overrides) -> Self {
        let mut findings = Findings::default();
        let settings = layers::merged(environment, overrides, &mut findings);
        Self::read(&settings, environment, overrides, &mut findings)
    }

    /// Reads the merged settings.
    fn read(
        settings: &toml::Table,
        environment: &Environment,
        overrides: &Overrides,
        findings: &mut Findings,
    ) -> Self {
        let token_commands = token_command::all(settings, environment);
        let mut settings = Reader::new(settings, findings);

        let provider = selection::read(&mut settings, environment);
        let model = settings.stopping(Stops::ModelCalls).string("model");
        let codex_version =
            codex_version::read(&mut settings.stopping(Stops::ModelCalls), environment);
        let chatgpt_base_url = address::read(
            &mut settings.stopping(Stops::ChatgptCalls),
            "chatgpt_base_url",
        );
        let chatgpt_base_url =
            chatgpt_base_url.map_or_else(|| CHATGPT_BASE_URL.to_owned(), |url| with_path(&url));
        let thread_unload_delay = unload::read(&mut settings.stopping(Stops::ModelCalls));
        let policy = policy::read(&mut settings);
        let store = store::read_kind(&mut settings, environment, overrides);
        let plaintext_origins = plaintext::read(&mut settings, environment);
        let workspace = workspace::read(&mut settings.stopping(Stops::ModelCalls));
        let access_token = read_access_token(&mut settings, environment);
        let originator_override = environment
            .get("CODEX_INTERNAL_ORIGINATOR_OVERRIDE")
            .map(str::to_owned);
        let network = network::read(&mut settings, environment, &plaintext_origins);
        workload_identity::report(environment, findings);
        Self {
            codex_home: environment.codex_home(),
            model,
            provider,
            token_commands,
            codex_version,
            chatgpt_base_url,
            thread_unload_delay,
            policy,
            store: store.unwrap_or_default(),
            is_store_chosen: store.is_some(),
            byokey_home: environment.byokey_home(),
            issuer: issuer::read(environment),
            access_token,
            plaintext_origins,
            workspace,
            originator_override,
            network,
            warnings: std::mem::take(&mut findings.warnings),
            problems: std::mem::take(&mut findings.problems),
            sources: (environment.source(), overrides.clone()),
        }
    }

    /// Checks that nothing in the configuration stops this.
    ///
    /// # Errors
    ///
    /// The first problem that stops it.
    pub fn check(&self, what: Stops) -> Result<(), ConfigurationInvalid> {
        let problem = self.problems.stopping(what).cloned();
        problem.map_or(Ok(()), Err)
    }

    /// Iterates over the unusable settings, with what each stops.
    pub fn stopped(&self) -> impl Iterator<Item = (Stops, &ConfigurationInvalid)> {
        self.problems.iter()
    }

    /// Returns the token commands of the providers that may be selected while this process lives: none
    /// without a command at the selected one, unless the configuration will be read again.
    #[must_use]
    pub fn usable_token_commands(&self) -> BTreeMap<String, TokenCommand> {
        if self.provider.token_command.is_some() || self.stops_anything() {
            self.token_commands.clone()
        } else {
            BTreeMap::new()
        }
    }

    /// Returns whether anything is stopped.
    fn stops_anything(&self) -> bool {
        !self.problems.is_empty() || self.provider.missing_key.is_some()
    }

    fn read_again(&self) -> Self {
        let (source, overrides) = &self.sources;
        Self::load(&source.read(), overrides)
    }
}

fn read_access_token(settings: &mut Reader<'_>, environment: &Environment) -> Option<Secret> {
    let token = Secret::from(environment.get("CODEX_ACCESS_TOKEN")?);
    let token = PersonalAccessToken::check(token).map_err(|invalid| {
        let mut strict = settings.stopping(Stops::Restoring);
        strict.report("CODEX_ACCESS_TOKEN", provider::problem(invalid));
    });
    token.ok()
}

/// Removes the trailing slash and, as codex does, adds the path that its two public hosts need.
fn with_path(url: &str) -> String {
    let url = url.trim().trim_end_matches('/');
    let public = ["https://chatgpt.com", "https://chat.openai.com"];
    if public.iter().any(|host| url.starts_with(host)) && !url.contains("/backend-api") {
        return format!("{url}/backend-api");
    }
    url.to_owned()
}
