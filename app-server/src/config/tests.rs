//! Which unusable setting stops what.

use byokey_protocol::warning::ConfigWarning;

use super::{Config, Environment, Overrides, Stops};
use byokey_auth::ForcedMethod;

fn load(settings: &[&str]) -> Config {
    let overrides = Overrides {
        settings: settings.iter().map(ToString::to_string).collect(),
        ..Overrides::default()
    };
    let environment = Environment::of([("TEST_KEY", "made-up"), ("BLANK", " ")]);
    Config::load(&environment, &overrides)
}

/// Returns what is stopped.
fn stopped(config: &Config) -> Vec<Stops> {
    use Stops::{ChatgptCalls, Logins, ModelCalls, Restoring};
    let all = [Logins, Restoring, ModelCalls, ChatgptCalls];
    let is_stopped = |what: &Stops| config.check(*what).is_err();
    all.into_iter().filter(is_stopped).collect()
}

fn details(warning: &ConfigWarning) -> &str {
    warning.details.as_deref().unwrap_or_default()
}

const RELAY: &str = "model_providers.relay.base_url=\"https://relay.example/v1\"";
const SELECTED: &str = "model_provider=\"relay\"";

/// An unusable setting, what it stops, and words of its text.
const TABLE: &[(&str, &[Stops], &str)] = &[
    // Policies.
    (
        "forced_login_method=5",
        &[Stops::Logins],
        "must be a string",
    ),
    (
        "forced_login_method=x",
        &[Stops::Logins],
        "must be \"chatgpt\" or \"api\"",
    ),
    (
        "forced_login_method=[\"api\"]",
        &[Stops::Logins],
        "must be a string",
    ),
    (
        "forced_chatgpt_workspace_id=7",
        &[Stops::Logins],
        "must be a string or a list",
    ),
    (
        "forced_chatgpt_workspace_id=[\"a\",7]",
        &[Stops::Logins],
        "must be a string or a list",
    ),
    (
        "forced_chatgpt_workspace_id={a=1}",
        &[Stops::Logins],
        "must be a string or a list",
    ),
    (
        "refresh_account_policy=1",
        &[Stops::Logins],
        "must be a string",
    ),
    (
        "refresh_account_policy=x",
        &[Stops::Logins],
        "must be \"any\" or \"same\"",
    ),
    // Stores.
    (
        "cli_auth_credentials_store=5",
        &[Stops::Logins],
        "must be a string",
    ),
    (
        "cli_auth_credentials_store=x",
        &[Stops::Logins],
        "must be \"ephemeral\"",
    ),
    ("byokey=5", &[Stops::Logins], "`byokey` must be a table"),
    (
        "byokey.store=5",
        &[Stops::Logins],
        "`byokey.store` must be a string",
    ),
    (
        "byokey.store=x",
        &[Stops::Logins],
        "`byokey.store` must be \"ephemeral\"",
    ),
    // Backends.
    (
        "chatgpt_base_url=5",
        &[Stops::ChatgptCalls],
        "must be a string",
    ),
    (
        "chatgpt_base_url=chatgpt.com",
        &[Stops::ChatgptCalls],
        "http:// or https://",
    ),
    (
        "chatgpt_base_url=\"\"",
        &[Stops::ChatgptCalls],
        "http:// or https://",
    ),
    (
        "openai_base_url=5",
        &[Stops::ModelCalls],
        "must be a string",
    ),
    (
        "openai_base_url=\"ftp://x\"",
        &[Stops::ModelCalls],
        "http:// or https://",
    ),
    ("model=5", &[Stops::ModelCalls], "must be a string"),
    // Which provider.
    (
        "thread_unload_delay_secs=-1",
        &[Stops::ModelCalls],
        "must be a whole number",
    ),
    ("model_provider=5", &[Stops::ModelCalls], "must be a string"),
    (
        "model_provider=relai",
        &[Stops::ModelCalls],
        "Model provider `relai` not found",
    ),
    ("model_provider=\"\"", &[Stops::ModelCalls], "not found"),
    (
        "model_provider=oss",
        &[Stops::ModelCalls],
        "Model provider `oss` not found",
    ),
    (
        "model_provider=ollama",
        &[Stops::ModelCalls],
        "built into codex and not supported here",
    ),
    (
        "model_provider=lmstudio",
        &[Stops::ModelCalls],
        "built into codex and not supported here",
    ),
    (
        "model_provider=amazon-bedrock",
        &[Stops::ModelCalls],
        "built into codex and not supported",
    ),
    (
        "model_providers.openai.base_url=\"https://relay.example\"",
        &[Stops::ModelCalls],
        "contains reserved built-in provider IDs: `openai`",
    ),
    // Everything, because the recipient or the policy is unknown.
    (
        "profile=work",
        &[
            Stops::Logins,
            Stops::Restoring,
            Stops::ModelCalls,
            Stops::ChatgptCalls,
        ],
        "legacy `profile = \"work\"` config is no longer supported",
    ),
    (
        "nonsense",
        &[
            Stops::Logins,
            Stops::Restoring,
            Stops::ModelCalls,
            Stops::ChatgptCalls,
        ],
        "`-c` is not `key=value`",
    ),
];

/// Settings of the selected provider; each stops its calls.
const PROVIDER_TABLE: &[(&str, &str)] = &[
    ("base_url=5", "must be a string"),
    ("base_url=\"relay.example/v1\"", "http:// or https://"),
    ("base_url=\" \"", "http:// or https://"),
    ("wire_api=5", "must be a string"),
    (
        "wire_api=chat",
        "`wire_api = \"chat\"` is no longer supported",
    ),
    ("wire_api=x", "must be \"responses\""),
    ("auth=5", "must be a table"),
    ("auth.args=[]", "auth.command` is missing"),
    (
        "auth.command=\" \"",
        "model_providers.relay: provider auth.command must not be empty",
    ),
    ("auth.command=5", "must be a string"),
    (
        "auth={command=\"x\", args=\"y\"}",
        "must be a list of strings",
    ),
    (
        "auth={command=\"x\", args=[5]}",
        "must be a list of strings",
    ),
    ("auth={command=\"x\", cwd=5}", "must be a string"),
    (
        "auth={command=\"x\", timeout_ms=0}",
        "must be from 1 to 3600000",
    ),
    (
        "auth={command=\"x\", timeout_ms=3600001}",
        "must be from 1 to 3600000",
    ),
    (
        "auth={command=\"x\", timeout_ms=-1}",
        "must be a whole number",
    ),
    (
        "auth={command=\"x\", refresh_interval_ms=-1}",
        "must be a whole number",
    ),
    ("aws.region=x", "is not supported"),
    ("env_key=5", "must be a string"),
    (
        "env_key=\"\"",
        "must be the name of the environment variable",
    ),
    (
        "env_key=sk-made-up",
        "must be the name of the environment variable",
    ),
    ("experimental_bearer_token=5", "must be a string"),
    ("experimental_bearer_token=\" \"", "must not be blank"),
    ("requires_openai_auth=1", "must be true or false"),
    ("query_params=5", "must be a table"),
    (
        "query_params.api-version=5",
        "query_params.api-version` must be a string",
    ),
    ("http_headers=5", "must be a table"),
    (
        "http_headers.X-Good=5",
        "http_headers.X-Good` must be a string",
    ),
    (
        "http_headers.X-Good=\"a\\u0000b\"",
        "X-Good` has a value that is invalid in a header",
    ),
    (
        "http_headers={\"not a name\" = \"x\"}",
        "http_headers.…` is not the name of a header",
    ),
    (
        "env_http_headers.X-Good=5",
        "env_http_headers.X-Good` must be a string",
    ),
    ("request_max_retries=-1", "must be a whole number"),
    ("request_max_retries=x", "must be a whole number"),
    ("stream_max_retries=1.5", "must be a whole number"),
    ("stream_idle_timeout_ms=x", "must be a whole number"),
];

#[test]
fn a_setting_that_cannot_be_used_stops_what_depends_on_it() {
    for (setting, stops, words) in TABLE {
        let config = load(&[setting]);
        assert_eq!(stopped(&config), *stops, "{setting}");
        assert_eq!(config.warnings.len(), 1, "{setting}: {:?}", config.warnings);
        let text = details(&config.warnings[0]);
        assert!(text.contains(words), "{setting}: {text}");
        let refused = config.check(stops[0]).unwrap_err().to_string();
        assert_eq!(refused, format!("failed to load configuration: {text}"));
    }
}

#[test]
fn a_setting_of_the_selected_provider_stops_its_calls() {
    for (setting, words) in PROVIDER_TABLE {
        let setting = format!("model_providers.relay.{setting}");
        let config = load(&[SELECTED, RELAY, &setting]);
        assert_eq!(stopped(&config), [Stops::ModelCalls], "{setting}");
        let text = details(&config.warnings[0]);
        assert!(text.contains(words), "{setting}: {text}");
        assert!(!text.contains("sk-made-up"), "{text}");
        // The same where another provider is selected.
        let config = load(&[RELAY, &setting]);
        assert!(stopped(&config).is_empty(), "{setting}");
    }
}

#[test]
fn what_nothing_depends_on_stops_nothing() {
    for setting in [
        "model_providers=5",
        "model_providers.other=5",
        "model_providers.ollama.base_url=\"http://localhost:11434\"",
        "openai_organization=5",
        "mcp_servers=5",
        "profiles.work.model=5",
        "tui.theme=5",
        "features.anything=\"x\"",
        "byokey.plaintext_origins=[\"https://x\"]",
        "byokey.unknown=1",
        "model_reasoning_effort=7",
    ] {
        let config = load(&[setting]);
        assert!(stopped(&config).is_empty(), "{setting}");
    }
    let config = load(&[SELECTED, RELAY, "openai_base_url=5"]);
    assert!(stopped(&config).is_empty());
}

#[test]
fn a_key_that_is_missing_is_named_and_not_replaced() {
    let key = "model_providers.relay.env_key";
    let auth = "model_providers.relay.requires_openai_auth=true";
    for (variable, is_there) in [("TEST_KEY", true), ("BLANK", false), ("UNSET", false)] {
        let config = load(&[SELECTED, RELAY, auth, &format!("{key}={variable}")]);
        assert!(stopped(&config).is_empty(), "{variable}");
        assert_eq!(config.provider.own_bearer.is_some(), is_there, "{variable}");
        let missing = config
            .provider
            .missing_key
            .map(|missing| missing.to_string());
        let words = format!("Missing environment variable: `{variable}`.");
        assert_eq!(missing, (!is_there).then_some(words));
    }
}

#[test]
fn a_token_that_is_not_known_here_is_not_replaced_by_the_stored_login() {
    let environment = Environment::of([("CODEX_ACCESS_TOKEN", "made-up")]);
    let config = Config::load(&environment, &Overrides::default());
    assert_eq!(stopped(&config), [Stops::Restoring]);
    assert!(config.access_token.is_none());
}

#[test]
fn a_store_that_is_chosen_elsewhere_makes_another_setting_harmless() {
    let environment = Environment::of([("BYOKEY_STORE", "file")]);
    let overrides = Overrides {
        settings: vec!["byokey.store=5".to_owned()],
        ..Overrides::default()
    };
    assert!(stopped(&Config::load(&environment, &overrides)).is_empty());
}

#[test]
fn a_workspace_is_a_string_or_a_list_and_blank_means_any() {
    let workspaces = |value| load(&[value]).policy.allowed_workspaces;
    assert_eq!(workspaces("forced_chatgpt_workspace_id=ws-1"), ["ws-1"]);
    let two = workspaces("forced_chatgpt_workspace_id=[\"a\",\"b\"]");
    assert_eq!(two, ["a", "b"]);
    assert!(workspaces("forced_chatgpt_workspace_id=\" \"").is_empty());
    assert!(workspaces("forced_chatgpt_workspace_id=[]").is_empty());
    let forced = load(&["forced_login_method=api"]).policy.forced_method;
    assert_eq!(forced, Some(ForcedMethod::Api));
}

#[test]
fn a_provider_is_found_by_its_id() {
    let config = load(&[
        SELECTED,
        RELAY,
        "model_providers.relay.env_key=TEST_KEY",
        "model_providers.relay.request_max_retries=1000",
        "model_providers.relay.env_http_headers={X-Key = \"TEST_KEY\", X-None = \"UNSET\"}",
    ]);
    let provider = config.provider;
    assert_eq!(
        provider.base_url.as_deref(),
        Some("https://relay.example/v1")
    );
    assert!(provider.own_bearer.is_some() && !provider.requires_openai_auth);
    assert_eq!(provider.request_max_retries, 100);
    let header = ("X-Key".to_owned(), "made-up".to_owned());
    assert_eq!(provider.headers, [header]);
    assert!(config.warnings.is_empty());
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
    let environment = Environment::of([("BYOKEY_PLAINTEXT_ORIGINS", "http://c:3, http://d:4")]);
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
    let public = "https://chatgpt.com/backend-api";
    assert_eq!(url("https://chatgpt.com/"), public);
    let own = "http://127.0.0.1:9/backend-api";
    assert_eq!(url("http://127.0.0.1:9/backend-api/"), own);
    assert_eq!(url("http://127.0.0.1:9"), "http://127.0.0.1:9");
}
