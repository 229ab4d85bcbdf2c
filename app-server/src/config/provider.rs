//! The model provider: where model requests go, and with what.

use std::time::Duration;

use byokey_protocol::secret::Secret;

use super::environment::Environment;
use super::reader::Reader;
use byokey_base::memory::lock_in_memory;

/// Id of the built-in provider.
pub(super) const BUILT_IN: &str = "openai";

/// Most retries that a configuration may ask for, codex's own cap.
const MAX_RETRIES: u64 = 100;

/// Where model requests go. The names are codex's, under `model_providers.<id>`.
#[derive(Debug)]
pub struct Provider {
    /// Id of the provider.
    pub id: String,
    /// Origin and path of the API. Without it the credential decides.
    pub base_url: Option<String>,
    /// A credential of the provider itself, from `env_key` or `experimental_bearer_token`.
    pub own_bearer: Option<Secret>,
    /// Whether model requests carry the OpenAI credential in force.
    pub requires_openai_auth: bool,
    /// Added to every URL.
    pub query_params: Vec<(String, String)>,
    /// Added to every request.
    pub headers: Vec<(String, String)>,
    /// How often a request is sent again after a connection error or a server error.
    pub request_max_retries: u32,
    /// How often a turn is tried again after its stream broke off.
    pub stream_max_retries: u32,
    /// How long a stream may be silent.
    pub stream_idle_timeout: Duration,
}

impl Provider {
    /// The built-in provider: OpenAI, by ChatGPT account or API key.
    #[must_use]
    pub fn openai(base_url: Option<String>, environment: &Environment) -> Self {
        let from_environment = [
            ("OpenAI-Organization", "OPENAI_ORGANIZATION"),
            ("OpenAI-Project", "OPENAI_PROJECT"),
        ];
        let mut headers = vec![("version".into(), byokey_protocol::CODEX_LEVEL.into())];
        headers.extend(from_environment.iter().filter_map(|(header, variable)| {
            Some(((*header).to_owned(), environment.get(variable)?.to_owned()))
        }));
        Self {
            id: BUILT_IN.into(),
            base_url,
            own_bearer: None,
            requires_openai_auth: true,
            query_params: Vec::new(),
            headers,
            request_max_retries: 4,
            stream_max_retries: 5,
            stream_idle_timeout: Duration::from_secs(300),
        }
    }

    /// Whether this is the built-in provider.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        self.id == BUILT_IN
    }

    /// A provider of the configuration.
    pub(crate) fn read(id: &str, table: &mut Reader<'_>, environment: &Environment) -> Self {
        if table
            .string("wire_api")
            .is_some_and(|api| api != "responses")
        {
            table.warn(
                "wire_api",
                "must be \"responses\", the only API spoken here",
            );
        }
        if table.has("auth") {
            table.warn(
                "auth",
                "is not supported; use `env_key`, or let the host own the login",
            );
        }
        let mut headers = table.string_map("http_headers");
        headers.extend(table.string_map("env_http_headers").into_iter().filter_map(
            |(header, variable)| Some((header, environment.get(&variable)?.to_owned())),
        ));
        let retries = |number: Option<u64>, default| {
            number.map_or(default, |number| {
                u32::try_from(number.min(MAX_RETRIES)).unwrap_or(default)
            })
        };
        Self {
            id: id.to_owned(),
            base_url: table.string("base_url"),
            own_bearer: own_bearer(table, environment),
            requires_openai_auth: table.boolean("requires_openai_auth").unwrap_or(false),
            query_params: table.string_map("query_params"),
            headers,
            request_max_retries: retries(table.number("request_max_retries"), 4),
            stream_max_retries: retries(table.number("stream_max_retries"), 5),
            stream_idle_timeout: Duration::from_millis(
                table.number("stream_idle_timeout_ms").unwrap_or(300_000),
            ),
        }
    }
}

fn own_bearer(table: &mut Reader<'_>, environment: &Environment) -> Option<Secret> {
    if let Some(variable) = table.string("env_key") {
        let value = environment.get(&variable);
        if value.is_none() {
            table.warn("env_key", "names an environment variable that is not set");
        }
        return value.map(Secret::from).map(lock_in_memory);
    }
    table
        .string("experimental_bearer_token")
        .map(|token| lock_in_memory(Secret::from(token.as_str())))
}
