//! What a routing means for model calls: checked before it counts, whether the backend or the host
//! names it.

use byokey_auth::Lease;
use byokey_protocol::open::Open;
use byokey_protocol::workspace_routing::{AccountRoutingOverride, WorkspaceRouting};
use http::HeaderValue;
use serde_json::Value;
use url::Url;

use crate::config::{Config, OriginRefusal, WorkspaceOrigin};

/// Longest name of a policy.
const MAX_POLICY: usize = 64;

/// Where the model calls of a workspace go.
#[derive(Debug)]
pub struct WorkspaceRoute {
    /// The origin; `None` for the configured backend.
    pub(crate) origin: Option<Url>,
    /// The value of the header `x-openai-account-routing-override`.
    pub(crate) policy: Option<HeaderValue>,
    /// The same for clients.
    pub(super) shown: WorkspaceRouting,
}

/// Why the routing of a workspace is not known. No text is the backend's but for
/// identifiers, as in the error of every call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoutingFailure {
    /// The lookup failed.
    #[error("{0}")]
    Call(String),
    /// The backend does not list the workspace.
    #[error("the backend does not list the workspace")]
    NotListed,
    /// The backend names no origin.
    #[error("the backend names no origin for the workspace")]
    NoOrigin,
    /// The host's routing is that of another workspace.
    #[error("the host handed over the routing of another workspace")]
    OtherWorkspace,
    /// The policy cannot be sent.
    #[error(
        "the routing policy is not 1 to {MAX_POLICY} letters, digits, hyphens and underscores of \
         ASCII"
    )]
    Policy,
    /// The origin gets no model calls.
    #[error(transparent)]
    Origin(#[from] OriginRefusal),
    /// It is not known yet.
    #[error("the backend has not answered yet")]
    Late,
    /// Another login came first.
    #[error("the lookup was interrupted")]
    Interrupted,
}

/// Checks the routing that the host handed over with these tokens.
///
/// # Errors
///
/// [`RoutingFailure`] states why it does not count.
pub(super) fn of_host(
    config: &Config,
    lease: &Lease,
    routing: &WorkspaceRouting,
) -> Result<WorkspaceRoute, RoutingFailure> {
    let account = lease.credential.chatgpt();
    let id = account.and_then(|account| account.id.as_deref());
    if id != Some(routing.chatgpt_account_id.as_str()) {
        return Err(RoutingFailure::OtherWorkspace);
    }
    WorkspaceRoute::of(config, routing)
}

impl WorkspaceRoute {
    /// Checks a routing.
    ///
    /// # Errors
    ///
    /// [`RoutingFailure`] states why it does not count.
    pub fn of(config: &Config, routing: &WorkspaceRouting) -> Result<Self, RoutingFailure> {
        let policy = policy(&routing.account_routing_override)?;
        let origin = match config.workspace_origin(&routing.backend_origin)? {
            WorkspaceOrigin::Configured => None,
            WorkspaceOrigin::At(url) => Some(url),
        };
        let in_force = match &origin {
            Some(url) => Some(url.origin()),
            None => Url::parse(&config.chatgpt_base_url)
                .ok()
                .map(|it| it.origin()),
        };
        let shown = in_force.map_or_else(
            || routing.backend_origin.clone(),
            |origin| origin.ascii_serialization(),
        );
        Ok(Self {
            origin,
            policy,
            shown: WorkspaceRouting {
                backend_origin: shown,
                ..routing.clone()
            },
        })
    }
}

/// Returns the header of a policy, which is not sent where there is no constraint, as in codex.
fn policy(policy: &Open<AccountRoutingOverride>) -> Result<Option<HeaderValue>, RoutingFailure> {
    if *policy == AccountRoutingOverride::NoConstraint {
        return Ok(None);
    }
    let name = serde_json::to_value(policy).unwrap_or_default();
    let is_name = |name: &&str| {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (1..=MAX_POLICY).contains(&name.len()) && name.bytes().all(is_part)
    };
    let name = Value::as_str(&name).filter(is_name);
    let header = name.and_then(|name| HeaderValue::from_str(name).ok());
    header.map(Some).ok_or(RoutingFailure::Policy)
}

#[cfg(test)]
mod tests {
    use byokey_protocol::open::Open;

    use super::{RoutingFailure, policy};

    #[test]
    fn a_policy_is_a_name_or_no_header() {
        let sent = |name: &str| {
            policy(&Open::named(name)).map(|it| it.map(|it| it.to_str().unwrap().to_owned()))
        };
        assert_eq!(sent("NO_CONSTRAINT"), Ok(None));
        for name in ["us", "us_cr", "eu-west_1", &"a".repeat(64)] {
            assert_eq!(sent(name), Ok(Some(name.to_owned())), "{name}");
        }
        for name in ["", "u s", "us\r\nx: y", "\u{fc}s", "us;", &"a".repeat(65)] {
            assert_eq!(sent(name), Err(RoutingFailure::Policy), "{name:?}");
        }
        let number = Open::Unknown(7.into());
        assert_eq!(policy(&number).unwrap_err(), RoutingFailure::Policy);
    }
}
