//! The configuration: `$CODEX_HOME/config.toml` in codex's words, `-c key=value`, and the
//! environment.
//!
//! Nothing in it is fatal. What cannot be used is replaced by its default and told to every
//! client in a `configWarning`.

mod environment;
mod issuer;
mod layers;
mod network;
mod plaintext;
mod provider;
mod reader;
mod store;

use std::path::PathBuf;

use byokey_protocol::secret::Secret;
use byokey_protocol::warning::ConfigWarning;

pub use environment::Environment;
pub use issuer::{Endpoint, IssuerSettings};
pub use layers::Overrides;
pub use provider::Provider;
use reader::Reader;
pub use store::StoreKind;

use byokey_auth::{ForcedMethod, InvalidCredential, LoginPolicy, PersonalAccessToken};

/// Where ChatGPT accounts live unless `chatgpt_base_url` says otherwise.
pub const CHATGPT_BASE_URL: &str = "https://chatgpt.com/backend-api";
/// Where API keys are good.
pub const OPENAI_BASE_URL: &str = "https://api.openai.com/v1";

/// Settings of the server, fixed for its life.
#[derive(Debug)]
pub struct Config {
    /// The folder the configuration was read from.
    pub codex_home: PathBuf,
    /// The model of threads that name none.
    pub model: Option<String>,
    /// Where model requests go.
    pub provider: Provider,
    /// The ChatGPT backend, without a slash at the end.
    pub chatgpt_base_url: String,
    /// Which logins are allowed.
    pub policy: LoginPolicy,
    /// Where credentials are kept.
    pub store: StoreKind,
    /// The folder for what is kept.
    pub byokey_home: PathBuf,
    /// Where logins that this program runs are made.
    pub issuer: IssuerSettings,
    /// `CODEX_ACCESS_TOKEN`: a personal access token that stands over what the store keeps.
    pub access_token: Option<Secret>,
    /// Origins that may receive a provider's own key, or a bearer token of the host, without
    /// encryption. Never ChatGPT tokens, keys of the login, or anything for the issuer.
    pub plaintext_origins: Vec<url::Origin>,
    /// Name sent to the backend in place of the client's.
    pub originator_override: Option<String>,
    /// Proxies, certificate authorities, and where a key may go unencrypted.
    pub network: byokey_http::Settings,
    /// What to tell every client.
    pub warnings: Vec<ConfigWarning>,
}

impl Config {
    /// Reads the configuration.
    #[must_use]
    pub fn load(environment: &Environment, overrides: &Overrides) -> Self {
        let mut warnings = Vec::new();
        let codex_home = environment.codex_home();
        let settings = layers::merged(&codex_home.join("config.toml"), overrides, &mut warnings);
        let mut settings = Reader::new(&settings, &mut warnings);

        let provider = read_provider(&mut settings, environment);
        let model = settings.string("model");
        let chatgpt_base_url = settings
            .string("chatgpt_base_url")
            .map_or_else(|| CHATGPT_BASE_URL.to_owned(), |url| chatgpt_base_url(&url));
        let policy = read_policy(&mut settings);
        let store = store::read_kind(&mut settings, environment, overrides);
        let plaintext_origins = plaintext::read(&mut settings, environment);
        let access_token = read_access_token(&mut settings, environment);
        let originator_override = environment
            .get("CODEX_INTERNAL_ORIGINATOR_OVERRIDE")
            .map(str::to_owned);
        let network = network::read(environment, &plaintext_origins);
        Self {
            codex_home,
            model,
            provider,
            chatgpt_base_url,
            policy,
            store,
            byokey_home: store::byokey_home(environment),
            issuer: IssuerSettings::read(environment),
            access_token,
            plaintext_origins,
            originator_override,
            network,
            warnings,
        }
    }
}

fn read_provider(settings: &mut Reader<'_>, environment: &Environment) -> Provider {
    let id = settings
        .string("model_provider")
        .unwrap_or_else(|| provider::BUILT_IN.to_owned());
    let openai_base_url = settings.string("openai_base_url");
    if id == provider::BUILT_IN {
        return Provider::openai(openai_base_url, environment);
    }
    let configured = settings.table("model_providers").and_then(|mut all| {
        all.table(&id)
            .map(|mut table| Provider::read(&id, &mut table, environment))
    });
    configured.unwrap_or_else(|| {
        settings.warn(
            "model_provider",
            "names a provider that is not in `model_providers`",
        );
        Provider::openai(openai_base_url, environment)
    })
}

fn read_policy(settings: &mut Reader<'_>) -> LoginPolicy {
    let forced_method = match settings.string("forced_login_method").as_deref() {
        None => None,
        Some("chatgpt") => Some(ForcedMethod::Chatgpt),
        Some("api") => Some(ForcedMethod::Api),
        Some(_) => {
            settings.warn("forced_login_method", "must be \"chatgpt\" or \"api\"");
            None
        }
    };
    let same_account = match settings.string("refresh_account_policy").as_deref() {
        None | Some("any") => false,
        Some("same") => true,
        Some(_) => {
            settings.warn("refresh_account_policy", "must be \"any\" or \"same\"");
            false
        }
    };
    LoginPolicy {
        forced_method,
        allowed_workspaces: settings
            .strings("forced_chatgpt_workspace_id")
            .unwrap_or_default(),
        same_account,
    }
}

fn read_access_token(settings: &mut Reader<'_>, environment: &Environment) -> Option<Secret> {
    let token = Secret::from(environment.get("CODEX_ACCESS_TOKEN")?);
    let problem = match PersonalAccessToken::check(token) {
        Ok(token) => return Some(token),
        Err(InvalidCredential::Quoted(_)) => "is in quotes; set it without them",
        Err(InvalidCredential::WithScheme(_)) => "begins with `Bearer`; set it without that",
        Err(_) => "is not a personal access token (`at-…`), the one kind that is known here",
    };
    settings.warn("CODEX_ACCESS_TOKEN", problem);
    None
}

/// Without the slash at the end; and, as codex does, with the path that its two public hosts
/// need.
fn chatgpt_base_url(url: &str) -> String {
    let url = url.trim().trim_end_matches('/');
    let public = ["https://chatgpt.com", "https://chat.openai.com"];
    if public.iter().any(|host| url.starts_with(host)) && !url.contains("/backend-api") {
        return format!("{url}/backend-api");
    }
    url.to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Config, Environment, ForcedMethod, Overrides};

    fn load(settings: &[&str]) -> Config {
        let overrides = Overrides {
            settings: settings.iter().map(ToString::to_string).collect(),
            ..Overrides::default()
        };
        let environment =
            Environment::of([("CODEX_HOME", "/nonexistent"), ("TEST_KEY", "made-up")]);
        Config::load(&environment, &overrides)
    }

    #[test]
    fn a_workspace_is_a_string_or_a_list_and_blank_means_any() {
        let workspaces = |value| load(&[value]).policy.allowed_workspaces;
        assert_eq!(workspaces("forced_chatgpt_workspace_id=ws-1"), ["ws-1"]);
        assert_eq!(
            workspaces("forced_chatgpt_workspace_id=[\"a\",\"b\"]"),
            ["a", "b"]
        );
        assert!(workspaces("forced_chatgpt_workspace_id=\" \"").is_empty());
        assert!(workspaces("forced_chatgpt_workspace_id=[]").is_empty());
    }

    #[test]
    fn a_provider_is_found_by_its_id() {
        let config = load(&[
            "model_provider=mock",
            "model_providers.mock.base_url=\"http://127.0.0.1:1/v1\"",
            "model_providers.mock.env_key=TEST_KEY",
            "model_providers.mock.request_max_retries=1000",
        ]);
        assert_eq!(
            config.provider.base_url.as_deref(),
            Some("http://127.0.0.1:1/v1")
        );
        assert!(config.provider.own_bearer.is_some());
        assert_eq!(config.provider.request_max_retries, 100);
        assert!(!config.provider.requires_openai_auth);
        assert!(config.warnings.is_empty());
    }

    #[test]
    fn what_cannot_be_used_is_a_warning_without_the_value() {
        let config = load(&[
            "forced_login_method=nonsense-value",
            "model=5",
            "model_provider=x",
        ]);
        assert_eq!(config.policy.forced_method, None);
        assert_eq!(config.warnings.len(), 3);
        let told = serde_json::to_string(&config.warnings).unwrap();
        assert!(told.contains("`forced_login_method` must be"));
        assert!(!told.contains("nonsense-value"));
        let forced = load(&["forced_login_method=api"]).policy.forced_method;
        assert_eq!(forced, Some(ForcedMethod::Api));
    }

    #[test]
    fn origins_in_clear_come_from_the_environment_or_the_file() {
        let origins = |config: Config| -> Vec<String> {
            let origins = config.plaintext_origins.iter();
            origins.map(url::Origin::ascii_serialization).collect()
        };
        let setting = "byokey.plaintext_origins=[\"http://a:1\", \"http://b:2/v1\"]";
        let config = load(&[setting]);
        assert_eq!(config.warnings.len(), 1, "{:?}", config.warnings);
        assert_eq!(origins(config), ["http://a:1"]);
        let environment = Environment::of([
            ("CODEX_HOME", "/nonexistent"),
            ("BYOKEY_PLAINTEXT_ORIGINS", "http://c:3, http://d:4"),
        ]);
        let overrides = Overrides {
            settings: vec![setting.to_owned()],
            ..Overrides::default()
        };
        let config = Config::load(&environment, &overrides);
        assert_eq!(origins(config), ["http://c:3", "http://d:4"]);
    }

    #[test]
    fn public_hosts_get_their_path() {
        let url = |value: &str| load(&[&format!("chatgpt_base_url={value}")]).chatgpt_base_url;
        assert_eq!(
            url("https://chatgpt.com/"),
            "https://chatgpt.com/backend-api"
        );
        assert_eq!(
            url("http://127.0.0.1:9/backend-api/"),
            "http://127.0.0.1:9/backend-api"
        );
        assert_eq!(url("http://127.0.0.1:9"), "http://127.0.0.1:9");
    }
}
