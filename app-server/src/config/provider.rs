//! The model provider: the destination of model requests and their credential.

use std::time::Duration;

use byokey_auth::{InvalidCredential, checked_bearer};
use byokey_protocol::secret::Secret;
use http::{HeaderName, HeaderValue};

use super::address;
use super::environment::Environment;
use super::reader::{Reader, is_name};
use super::token_command::{self, TokenCommand};

/// Id of the built-in provider.
pub(super) const BUILT_IN: &str = "openai";

/// How long a stream may send nothing unless the provider says otherwise, as in codex.
const STREAM_IDLE_TIMEOUT: Duration = Duration::from_secs(300);
/// Most retries that a configuration may request, codex's own cap.
const MAX_RETRIES: u64 = 100;

/// The destination of model requests. The names are codex's, under `model_providers.<id>`.
#[derive(Debug)]
pub struct Provider {
    /// Id of the provider.
    pub id: String,
    /// Origin and path of the API. Without it the credential decides.
    pub base_url: Option<String>,
    /// The provider's own credential, from `env_key` or `experimental_bearer_token`.
    pub own_bearer: Option<Secret>,
    /// The command that prints the provider's own credential.
    pub token_command: Option<TokenCommand>,
    /// Why the provider's own credential is missing. It is not replaced by another.
    pub missing_key: Option<MissingKey>,
    /// Whether model requests carry the OpenAI credential in force.
    pub requires_openai_auth: bool,
    /// Added to every URL.
    pub query_params: Vec<(String, String)>,
    /// Added to every request.
    pub headers: Vec<(String, String)>,
    /// The environment variables that its `env_key` and `env_http_headers` name.
    pub variables: Vec<String>,
    /// Retries of a request after a connection error or a server error.
    pub request_max_retries: u32,
    /// Retries of a turn after its stream broke off.
    pub stream_max_retries: u32,
    /// The longest silence of a stream.
    pub stream_idle_timeout: Duration,
}

/// The variable with the provider's key is not set, or blank. codex's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct MissingKey {
    /// The name of the variable.
    pub variable: String,
    text: String,
}

impl Provider {
    /// Returns the built-in provider: OpenAI, by ChatGPT account or API key.
    #[must_use]
    pub fn openai(base_url: Option<String>, environment: &Environment) -> Self {
        let from_environment = [
            ("OpenAI-Organization", "OPENAI_ORGANIZATION"),
            ("OpenAI-Project", "OPENAI_PROJECT"),
        ];
        let headers = from_environment.iter().filter_map(|(header, variable)| {
            Some(((*header).to_owned(), environment.get(variable)?.to_owned()))
        });
        Self {
            id: BUILT_IN.into(),
            base_url,
            own_bearer: None,
            token_command: None,
            missing_key: None,
            requires_openai_auth: true,
            query_params: Vec::new(),
            headers: headers.collect(),
            variables: Vec::new(),
            request_max_retries: 4,
            stream_max_retries: 5,
            stream_idle_timeout: STREAM_IDLE_TIMEOUT,
        }
    }

    /// Returns whether this is the built-in provider.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        self.id == BUILT_IN
    }

    /// Returns whether it has a credential of its own, which is sent in place of the one in force.
    #[must_use]
    pub const fn has_own_credential(&self) -> bool {
        self.own_bearer.is_some() || self.token_command.is_some() || self.missing_key.is_some()
    }

    /// Reads a configured provider.
    pub(super) fn read(id: &str, table: &mut Reader<'_>, environment: &Environment) -> Self {
        check_kind(table);
        let (own_bearer, missing_key) = own_bearer(table, environment);
        let token_command = token_command::read(id, table, environment);
        let (headers, mut variables) = headers(table, environment);
        let of_key = table.peek("env_key").filter(|it| is_variable(it));
        variables.extend(of_key.map(str::to_owned));
        let retries = |number: Option<u64>, default| {
            number.map_or(default, |number| {
                u32::try_from(number.min(MAX_RETRIES)).unwrap_or(default)
            })
        };
        Self {
            id: id.to_owned(),
            base_url: address::read(table, "base_url"),
            own_bearer,
            token_command,
            missing_key,
            requires_openai_auth: table.boolean("requires_openai_auth").unwrap_or(false),
            query_params: table.string_map("query_params"),
            headers,
            variables,
            request_max_retries: retries(table.number("request_max_retries"), 4),
            stream_max_retries: retries(table.number("stream_max_retries"), 5),
            stream_idle_timeout: Duration::from_millis(
                table.number("stream_idle_timeout_ms").unwrap_or(300_000),
            ),
        }
    }
}

/// Reports an unsupported kind of provider.
fn check_kind(table: &mut Reader<'_>) {
    match table.string("wire_api").as_deref() {
        None | Some("responses") => {}
        // codex's text.
        Some("chat") => table.report_text(
            "`wire_api = \"chat\"` is no longer supported.\nHow to fix: set `wire_api = \
             \"responses\"` in your provider config.\nMore info: \
             https://github.com/openai/codex/discussions/7782"
                .to_owned(),
        ),
        Some(_) => table.report(
            "wire_api",
            "must be \"responses\", the only API spoken here",
        ),
    }
    if table.has("aws") {
        table.report(
            "aws",
            "is not supported; use `env_key` or `auth`, or let the host own the login",
        );
    }
}

/// Returns the provider's own credential; or why a configured one is missing.
fn own_bearer(
    table: &mut Reader<'_>,
    environment: &Environment,
) -> (Option<Secret>, Option<MissingKey>) {
    let instructions = table.string("env_key_instructions");
    if table.has("env_key") {
        let Some(variable) = table.string("env_key") else {
            return (None, None);
        };
        if !is_variable(&variable) {
            table.report(
                "env_key",
                "must be the name of the environment variable with the key",
            );
            return (None, None);
        }
        if let Some(key) = environment.get(&variable) {
            let key = usable_key(key, |problem| {
                table.report("env_key", &format!("names `{variable}`, which {problem}"));
            });
            return (key, None);
        }
        let mut words = format!("Missing environment variable: `{variable}`.");
        if let Some(instructions) = instructions {
            words = format!("{words} {instructions}");
        }
        let missing = MissingKey {
            variable,
            text: words,
        };
        return (None, Some(missing));
    }
    let Some(token) = table.string("experimental_bearer_token") else {
        return (None, None);
    };
    if token.trim().is_empty() {
        table.report("experimental_bearer_token", "must not be blank");
        return (None, None);
    }
    let name = "experimental_bearer_token";
    let token = usable_key(&token, |problem| table.report(name, problem));
    (token, None)
}

/// Returns the key in locked memory, or reports why it cannot be sent.
fn usable_key(text: &str, report: impl FnOnce(&str)) -> Option<Secret> {
    let key = checked_bearer(Secret::from(text));
    key.map_err(|invalid| report(problem(invalid))).ok()
}

/// Returns what is wrong with the value of a setting or variable that has to be a token or a key.
pub(super) const fn problem(invalid: InvalidCredential) -> &'static str {
    match invalid {
        InvalidCredential::Quoted(_) => "is in quotes; set it without them",
        InvalidCredential::WithScheme(_) => "begins with `Bearer`; set it without that",
        InvalidCredential::PersonalAccessToken => {
            "is not a personal access token (`at-…`), the one kind that is known here"
        }
        _ => "has characters that no header can carry; set it to the key alone, in one line",
    }
}

/// Returns whether a text is the name of a variable, rather than the key itself.
fn is_variable(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    is_name(text)
        && text.bytes().all(is_part)
        && text.starts_with(|first: char| !first.is_ascii_digit())
}

/// Returns the configured headers, and the variables that they name. Each header is validated, so
/// that none is dropped silently.
fn headers(
    table: &mut Reader<'_>,
    environment: &Environment,
) -> (Vec<(String, String)>, Vec<String>) {
    let fixed = table.string_map("http_headers").into_iter();
    let fixed = fixed.map(|(header, value)| (header, value.trim().to_owned()));
    let by_variable = table.string_map("env_http_headers");
    let variables = by_variable.iter().map(|(_, variable)| variable.clone());
    let variables = variables.collect();
    let named = by_variable
        .into_iter()
        .filter_map(|(header, variable)| {
            // As in codex, a header with an unset variable is not sent.
            Some((header, environment.get(&variable)?.trim().to_owned()))
        })
        .collect();
    let mut headers = checked(table, "http_headers", fixed.collect());
    headers.extend(checked(table, "env_http_headers", named));
    (headers, variables)
}

fn checked(
    table: &mut Reader<'_>,
    setting: &str,
    headers: Vec<(String, String)>,
) -> Vec<(String, String)> {
    if headers.is_empty() {
        return headers;
    }
    let Some(mut table) = table.table(setting) else {
        return headers;
    };
    for (name, value) in &headers {
        if HeaderName::try_from(name).is_err() {
            table.report(name, "is not the name of a header");
        } else if HeaderValue::try_from(value).is_err() {
            table.report(name, "has a value that is invalid in a header");
        } else if name.eq_ignore_ascii_case("authorization")
            && let Some(problem) = doubled(value)
        {
            table.report(name, problem);
        }
    }
    headers
}

/// Returns what is wrong with an `Authorization` header that was put together with the quotes or the
/// scheme of another.
fn doubled(value: &str) -> Option<&'static str> {
    let (first, rest) = value.split_once(char::is_whitespace).unwrap_or((value, ""));
    let is_bearer = first.eq_ignore_ascii_case("bearer");
    // Other schemes have parameters in quotes.
    match checked_bearer(Secret::from(if is_bearer { rest } else { first })) {
        Err(InvalidCredential::Quoted(_)) => Some("has quotes in it; set it without them"),
        Err(InvalidCredential::WithScheme(_)) => Some("has `Bearer` twice; set it with one"),
        _ => None,
    }
}
