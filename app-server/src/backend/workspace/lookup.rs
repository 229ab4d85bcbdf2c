//! The lookup: one short call, under the limits of all short calls. It is not repeated, and a 401
//! is not recovered from: nothing of the account depends on its answer.

use byokey_auth::Lease;
use byokey_protocol::open::Open;
use byokey_protocol::workspace_routing::{AccountRoutingOverride, WorkspaceRouting};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::super::body::Document;
use super::super::lenient::{self, Elements, Name};
use super::super::limits::{CALL_DEADLINE, MAX_WORKSPACES};
use super::super::{Backend, BackendError, Call, Service};
use super::route::{RoutingFailure, WorkspaceRoute};
use crate::config::OriginRefusal;

/// The path at the backend, as in codex.
const PATH: &str = "/accounts/check";

#[derive(Deserialize)]
struct CheckAnswer {
    #[serde(default, deserialize_with = "lenient::list")]
    accounts: Option<Elements<CheckedAccount, MAX_WORKSPACES>>,
}

impl Document for CheckAnswer {}

#[derive(Deserialize)]
struct CheckedAccount {
    id: Name,
    // As written: what cannot be read must not count as absent, which is no constraint.
    #[serde(default)]
    workspace_backend_origin: Option<Box<RawValue>>,
    #[serde(default)]
    account_routing_override: Option<Box<RawValue>>,
}

impl CheckedAccount {
    fn routing(self) -> Result<WorkspaceRouting, RoutingFailure> {
        let origin = self.workspace_backend_origin;
        let origin = origin.ok_or(RoutingFailure::NoOrigin)?;
        let policy = match self.account_routing_override {
            None => AccountRoutingOverride::NoConstraint.into(),
            Some(policy) => Open::named(&text(&policy).ok_or(RoutingFailure::Policy)?),
        };
        Ok(WorkspaceRouting {
            chatgpt_account_id: self.id.0,
            backend_origin: text(&origin).ok_or(OriginRefusal::NotAnOrigin)?,
            account_routing_override: policy,
        })
    }
}

fn text(json: &RawValue) -> Option<String> {
    serde_json::from_str(json.get()).ok()
}

impl From<BackendError> for RoutingFailure {
    fn from(error: BackendError) -> Self {
        Self::Call(error.to_string())
    }
}

impl Backend {
    /// Asks the backend where the model calls of the workspace go.
    pub(super) async fn look_up(&self, lease: Lease) -> Result<WorkspaceRoute, RoutingFailure> {
        let account = lease.credential.chatgpt();
        let id = account.and_then(|account| account.id.clone());
        let call = Call {
            retries: 0,
            renews: false,
            ..Call::get(Service::Account, PATH, Instant::now() + CALL_DEADLINE)
        };
        let (answer, _) = self.read_json::<CheckAnswer>(&call, Some(lease)).await?;
        let mut accounts = answer.accounts.unwrap_or_default().0.into_iter();
        let found = accounts.find(|account| Some(&account.id.0) == id.as_ref());
        let routing = found.ok_or(RoutingFailure::NotListed)?.routing()?;
        WorkspaceRoute::of(&self.config(), &routing)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::workspace::WorkspaceRoute;
    use super::{CheckAnswer, OriginRefusal, RoutingFailure};
    use crate::config::{Config, Environment, Overrides};

    fn read(json: &str) -> Vec<Result<(String, String), RoutingFailure>> {
        let answer: CheckAnswer = serde_json::from_str(json).unwrap();
        let accounts = answer.accounts.unwrap_or_default().0.into_iter();
        accounts
            .map(|account| {
                let routing = account.routing()?;
                let policy = serde_json::to_string(&routing.account_routing_override);
                Ok((routing.backend_origin, policy.unwrap()))
            })
            .collect()
    }

    #[test]
    fn an_answer_is_read_leniently() {
        let origin = "https://us.chatgpt.com";
        let listed = |more: &str| {
            let text = r#"{"accounts":[7,{"id":"ws-1","workspace_backend_origin":"https://us.chatgpt.com"MORE}]}"#;
            read(&text.replace("MORE", more))
        };
        let found = |policy: &str| vec![Ok((origin.to_owned(), format!("\"{policy}\"")))];
        assert_eq!(listed(r#","account_routing_override":"us""#), found("us"));
        assert_eq!(listed(r#","account_routing_override":"eu""#), found("eu"));
        for none in ["", r#","account_routing_override":null"#] {
            assert_eq!(listed(none), found("NO_CONSTRAINT"), "{none}");
        }
        for (members, why) in [
            ("", RoutingFailure::NoOrigin),
            (
                r#","workspace_backend_origin":null"#,
                RoutingFailure::NoOrigin,
            ),
            (
                r#","workspace_backend_origin":[7]"#,
                OriginRefusal::NotAnOrigin.into(),
            ),
        ] {
            let text = format!(r#"{{"accounts":[{{"id":"a"{members}}}]}}"#);
            assert_eq!(read(&text), [Err(why)], "{members}");
        }
        for none in [
            "{}",
            r#"{"accounts":null}"#,
            r#"{"accounts":{"ws-1":{}}}"#,
            r#"{"accounts":[[]]}"#,
        ] {
            assert_eq!(read(none), [], "{none}");
        }
    }

    /// What is named and cannot be followed is never read as nothing to follow.
    #[test]
    fn a_policy_that_cannot_be_read_is_a_failure() {
        let config = Config::load(
            &Environment::of([("HOME", "/nonexistent")]),
            &Overrides::default(),
        );
        let long = format!("{:?}", "a".repeat(65));
        let longer = format!("{:?}", "a".repeat(10_000));
        for policy in ["[]", "7", "true", "{}", "[\"us\"]", "\"\"", &long, &longer] {
            let text = format!(
                r#"{{"accounts":[{{"id":"a","workspace_backend_origin":"https://us.chatgpt.com",
                    "account_routing_override":{policy}}}]}}"#
            );
            let answer: CheckAnswer = serde_json::from_str(&text).unwrap();
            let mut accounts = answer.accounts.unwrap_or_default().0;
            let routing = accounts.remove(0).routing();
            let route = routing.and_then(|routing| WorkspaceRoute::of(&config, &routing));
            assert_eq!(route.unwrap_err(), RoutingFailure::Policy, "{policy}");
        }
    }

    /// The limit of an origin is that of host names, and not a shorter one before it.
    #[test]
    fn an_origin_of_the_longest_host_name_is_read() {
        let name = format!("{}.chatgpt.com", ["a".repeat(60).as_str(); 4].join("."));
        let text = format!(
            r#"{{"accounts":[{{"id":"a","workspace_backend_origin":"https://{name}:443/"}}]}}"#
        );
        let config = Config::load(
            &Environment::of([("HOME", "/nonexistent")]),
            &Overrides::default(),
        );
        let answer: CheckAnswer = serde_json::from_str(&text).unwrap();
        let routing = answer.accounts.unwrap_or_default().0.remove(0).routing();
        let route = WorkspaceRoute::of(&config, &routing.unwrap()).unwrap();
        assert_eq!(route.shown.backend_origin, format!("https://{name}"));
    }
}
