//! The headers of a call, including the credential.

use std::sync::{OnceLock, PoisonError, RwLock};

use byokey_protocol::initialize::ClientInfo;
use byokey_protocol::secret::Secret;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::route::{Carries, Route};
use super::{BackendError, Call};
use crate::config::Config;
use byokey_auth::{Lease, Residency};
use byokey_base::memory;

/// codex's originator before a client has introduced itself.
const DEFAULT_ORIGINATOR: &str = "codex_cli_rs";

/// Names the region of a workspace. Without it the backend refuses a workspace that is bound to
/// one.
const RESIDENCY: &str = "x-openai-internal-codex-residency";

/// Names the routing policy of a workspace, at the origin that the backend has for it.
const ROUTING_OVERRIDE: &str = "x-openai-account-routing-override";

/// The originator in requests. The first client to introduce itself names the process.
#[derive(Debug)]
pub struct Identity {
    originator: OnceLock<String>,
    agent: RwLock<Agent>,
}

/// The user agent in requests, and what it is made of.
#[derive(Debug, Default)]
struct Agent {
    /// The version of codex that this program states.
    codex_version: String,
    /// The last client to introduce itself.
    client: Option<ClientInfo>,
    text: String,
}

impl Identity {
    pub(crate) fn new(originator: Option<String>, codex_version: &str) -> Self {
        let identity = Self {
            originator: originator.map(OnceLock::from).unwrap_or_default(),
            agent: RwLock::default(),
        };
        identity.state_version(codex_version);
        identity
    }

    /// Returns the originator in requests.
    pub fn originator(&self) -> &str {
        self.originator
            .get()
            .map_or(DEFAULT_ORIGINATOR, String::as_str)
    }

    /// Takes the name of the first client, and returns the user agent of this one.
    pub fn introduce(&self, client: &ClientInfo) -> String {
        // A client without a name does not name the process.
        if !client.name.trim().is_empty() {
            self.originator.get_or_init(|| client.name.clone());
        }
        self.change_agent(|agent| agent.client = Some(client.clone()))
    }

    /// Changes the version of codex that this program states.
    pub(crate) fn state_version(&self, codex_version: &str) {
        self.change_agent(|agent| codex_version.clone_into(&mut agent.codex_version));
    }

    fn change_agent(&self, change: impl FnOnce(&mut Agent)) -> String {
        let mut agent = self.agent.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut agent);
        let client = agent.client.as_ref();
        agent.text = user_agent(self.originator(), &agent.codex_version, client);
        agent.text.clone()
    }
}

/// Returns `<originator>/<version of codex> (<system>; <architecture>) <terminal> (<client>; <version>)
/// byokey/<our version>`. Invalid header characters become `_`.
fn user_agent(originator: &str, codex: &str, client: Option<&ClientInfo>) -> String {
    let (system, architecture) = (std::env::consts::OS, std::env::consts::ARCH);
    let client = client.map_or_else(String::new, |client| {
        format!(" ({}; {})", client.name, client.version)
    });
    let version = env!("CARGO_PKG_VERSION");
    format!("{originator}/{codex} ({system}; {architecture}) stdio{client} byokey/{version}")
        .chars()
        .map(|character| {
            if matches!(character, ' '..='~') {
                character
            } else {
                '_'
            }
        })
        .collect()
}

pub(crate) fn of(
    call: &Call<'_>,
    route: &Route,
    (lease, own_bearer): (Option<&Lease>, Option<&Secret>),
    config: &Config,
    identity: &Identity,
) -> Result<HeaderMap, BackendError> {
    let mut headers = HeaderMap::new();
    let text = |text: &str| HeaderValue::from_str(text).ok();
    if let Some(user_agent) = identity
        .agent
        .read()
        .ok()
        .and_then(|agent| text(&agent.text))
    {
        headers.insert(USER_AGENT, user_agent);
    }
    let originator = identity
        .originator
        .get()
        .map_or(DEFAULT_ORIGINATOR, String::as_str);
    headers.extend(text(originator).map(|value| (HeaderName::from_static("originator"), value)));
    if call.body.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    for (name, value) in &call.headers {
        headers.extend(text(value).map(|value| (HeaderName::from_static(name), value)));
    }
    if call.service == super::Service::Models && config.provider.is_built_in() {
        let version = text(&config.codex_version);
        headers.extend(version.map(|value| (HeaderName::from_static("version"), value)));
    }
    #[cfg(feature = "gateway")]
    if let Some(client) = &call.from_client {
        for name in client.headers.keys() {
            headers.remove(name);
        }
        for (name, value) in client.headers {
            headers.append(name, value.clone());
        }
    }
    if call.service == super::Service::Models {
        for (name, value) in &config.provider.headers {
            let name = HeaderName::try_from(name.as_str()).ok();
            let (Some(name), Some(mut value)) = (name, text(value)) else {
                return Err(BackendError::Configuration {
                    setting: "http_headers",
                });
            };
            // Users configure keys of gateways here.
            value.set_sensitive(true);
            headers.insert(name, value);
        }
    }
    match (route.carries, lease) {
        (Carries::Credential | Carries::HostBearer, Some(lease)) => {
            headers.insert(AUTHORIZATION, bearer(lease.credential.bearer())?);
            if let Some(login) = lease.credential.chatgpt() {
                let account = HeaderName::from_static("chatgpt-account-id");
                let id = login.id.as_deref().and_then(text);
                headers.extend(id.map(|value| (account, value)));
                if login.fedramp {
                    let fedramp = HeaderName::from_static("x-openai-fedramp");
                    headers.insert(fedramp, HeaderValue::from_static("true"));
                }
                let residency = login.residency.as_ref().and_then(Residency::region);
                let residency = residency.and_then(text);
                headers.extend(residency.map(|value| (HeaderName::from_static(RESIDENCY), value)));
                let policy = route.policy.clone();
                let name = HeaderName::from_static(ROUTING_OVERRIDE);
                headers.extend(policy.map(|value| (name, value)));
            }
        }
        (Carries::ProviderBearer, _) => {
            // Without it the call is not sent.
            let secret = own_bearer.ok_or(BackendError::Configuration {
                setting: "the provider's bearer",
            })?;
            headers.insert(AUTHORIZATION, bearer(secret)?);
        }
        _ => {}
    }
    Ok(headers)
}

fn bearer(secret: &Secret) -> Result<HeaderValue, BackendError> {
    memory::header(secret).map_err(|_| BackendError::Configuration {
        setting: "the provider's bearer",
    })
}

#[cfg(test)]
mod tests {
    use byokey_protocol::initialize::ClientInfo;

    use super::Identity;

    #[test]
    fn the_first_client_names_the_process() {
        let client = |name: &str| ClientInfo {
            name: name.into(),
            title: None,
            version: "1\n2".into(),
        };
        let identity = Identity::new(None, "0.169.0");
        let first = identity.introduce(&client("first"));
        assert!(first.starts_with("first/0.169.0 ("), "{first}");
        assert!(first.contains("(first; 1_2) byokey/"), "{first}");
        assert!(identity.introduce(&client("second")).starts_with("first/"));
        let fixed = Identity::new(Some("fixed".into()), "0.169.0");
        assert!(fixed.introduce(&client("first")).starts_with("fixed/"));
        fixed.state_version("0.171.0");
        let text = &fixed.agent.read().unwrap().text;
        assert!(text.starts_with("fixed/0.171.0 ("), "{text}");
        assert!(text.contains("(first; 1_2) byokey/"), "{text}");
    }
}
