//! The destination of a call. The credential and its workspace decide, never the caller.

use byokey_http::Sensitivity;
use http::HeaderValue;
use url::Url;

use super::{BackendError, Call, WorkspaceRoute};
use crate::config::{
    BearerRefusal, Config, ConfigurationInvalid, OPENAI_BASE_URL, Provider, Stops,
};
use byokey_auth::{Credential, Lease};

/// The service of the backend that a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Account and usage of a ChatGPT account.
    Account,
    /// Models and their responses.
    Models,
}

/// The destination of a call, and whether it carries the credential in force.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) url: Url,
    pub(crate) carries: Carries,
    /// The routing policy of the workspace, for a header.
    pub(crate) policy: Option<HeaderValue>,
}

/// The `Authorization` of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carries {
    /// The credential in force.
    Credential,
    /// The credential in force, which is a bearer token of the host for this provider.
    HostBearer,
    /// The provider's own credential.
    ProviderBearer,
    /// Nothing.
    Nothing,
}

impl Carries {
    /// Returns what model requests to this provider carry.
    pub(super) fn of(provider: &Provider, lease: Option<&Lease>) -> Self {
        let is_bearer = |lease: &Lease| matches!(*lease.credential, Credential::Bearer(_));
        if provider.own_bearer.is_some() || provider.token_command.is_some() {
            return Self::ProviderBearer;
        }
        match provider.requires_openai_auth {
            _ if lease.is_some_and(is_bearer) => Self::HostBearer,
            true => Self::Credential,
            false => Self::Nothing,
        }
    }

    /// Returns whether it is the credential in force.
    pub(crate) const fn is_login(self) -> bool {
        matches!(self, Self::Credential | Self::HostBearer)
    }

    /// Returns its sensitivity. Headers of the provider may raise it.
    pub(crate) const fn sensitivity(self) -> Sensitivity {
        match self {
            Self::Credential => Sensitivity::Login,
            Self::HostBearer | Self::ProviderBearer => Sensitivity::OwnKey,
            Self::Nothing => Sensitivity::Public,
        }
    }
}

impl Route {
    pub(crate) fn of(
        call: &Call<'_>,
        lease: Option<&Lease>,
        config: &Config,
        workspace: Option<&WorkspaceRoute>,
    ) -> Result<Self, BackendError> {
        match call.service {
            Service::Account => {
                config.check(Stops::ChatgptCalls)?;
                if lease.and_then(|lease| lease.credential.chatgpt()).is_none() {
                    return Err(BackendError::AuthRequired);
                }
                let base = account_base(&config.chatgpt_base_url);
                let url = url(&base, call, &[], "chatgpt_base_url")?;
                Ok(Self {
                    url,
                    carries: Carries::Credential,
                    policy: None,
                })
            }
            Service::Models => model_route(call, lease, config, workspace),
        }
    }
}

fn model_route(
    call: &Call<'_>,
    lease: Option<&Lease>,
    config: &Config,
    workspace: Option<&WorkspaceRoute>,
) -> Result<Route, BackendError> {
    config.check(Stops::ModelCalls)?;
    let provider = &config.provider;
    if let Some(missing) = &provider.missing_key {
        // Another credential would reach a recipient that it is not meant for.
        return Err(missing.clone().into());
    }
    let carries = Carries::of(provider, lease);
    let lease = lease.filter(|_| carries.is_login());
    if carries == Carries::Credential && lease.is_none() {
        return Err(BackendError::AuthRequired);
    }
    let is_chatgpt = lease.is_some_and(|lease| lease.credential.chatgpt().is_some());
    let workspace = workspace.filter(|_| is_chatgpt && provider.is_built_in());
    let base = match workspace.and_then(|workspace| workspace.origin.as_ref()) {
        Some(origin) => {
            config.check(Stops::ChatgptCalls)?;
            // The path at every origin of the backend, as in codex.
            origin.origin().ascii_serialization() + "/backend-api/codex"
        }
        None => model_base(config, is_chatgpt)?,
    };
    let url = url(&base, call, &provider.query_params, "base_url")?;
    if let Some(Credential::Bearer(login)) = lease.map(|lease| &*lease.credential) {
        // The configuration may have been read again since the login.
        config.bearer_origin(&login.origin)?;
        let selected = url.origin().ascii_serialization();
        if selected != login.origin {
            let given = login.origin.clone();
            return Err(BearerRefusal::OtherOrigin { given, selected }.into());
        }
    }
    Ok(Route {
        url,
        carries,
        policy: workspace.and_then(|workspace| workspace.policy.clone()),
    })
}

/// Returns the base URL of model requests.
pub(super) fn model_base(
    config: &Config,
    is_chatgpt: bool,
) -> Result<String, ConfigurationInvalid> {
    let provider = &config.provider;
    Ok(match &provider.base_url {
        // `openai_base_url` applies to the API; a ChatGPT account has its own backend.
        Some(base) if !(provider.is_built_in() && is_chatgpt) => base.clone(),
        _ if is_chatgpt => {
            config.check(Stops::ChatgptCalls)?;
            format!("{}/codex", config.chatgpt_base_url)
        }
        _ => OPENAI_BASE_URL.to_owned(),
    })
}

/// Returns the base URL of the account: `/wham` for the public backend and its imitations,
/// `/api/codex` for others, as in codex.
pub(super) fn account_base(chatgpt_base_url: &str) -> String {
    let style = if chatgpt_base_url.contains("/backend-api") {
        "wham"
    } else {
        "api/codex"
    };
    format!("{chatgpt_base_url}/{style}")
}

fn url(
    base: &str,
    call: &Call<'_>,
    more: &[(String, String)],
    setting: &'static str,
) -> Result<Url, BackendError> {
    let base = base.trim_end_matches('/');
    let mut url = Url::parse(&format!("{base}{}", call.path))
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or(BackendError::Configuration { setting })?;
    #[cfg(feature = "gateway")]
    if let Some(query) = call.from_client.and_then(|client| client.query) {
        url.set_query(Some(query));
    }
    if !call.query.is_empty() || !more.is_empty() {
        let mut query = url.query_pairs_mut();
        query.extend_pairs(&call.query);
        query.extend_pairs(more);
    }
    Ok(url)
}
