//! The lookup: one short call, under the limits of all short calls. It is not repeated, and a 401
//! is not recovered from: nothing of the account depends on its answer.

use byokey_auth::Lease;
use byokey_protocol::open::Open;
use byokey_protocol::workspace_routing::{AccountRoutingOverride, WorkspaceRouting};
use serde::Deserialize;
use tokio::time::Instant;

use super::super::body::Document;
use super::super::lenient::{self, Elements, Name};
use super::super::limits::{CALL_DEADLINE, MAX_WORKSPACES};
use super::super::{Backend, Call, Service};
use super::route::{RoutingFailure, WorkspaceRoute};

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
    #[serde(default, deserialize_with = "lenient::member")]
    workspace_backend_origin: Option<Name>,
    #[serde(default, deserialize_with = "lenient::member")]
    account_routing_override: Option<Name>,
}

impl CheckedAccount {
    fn routing(self) -> Result<WorkspaceRouting, RoutingFailure> {
        let origin = self.workspace_backend_origin;
        let policy = self.account_routing_override;
        Ok(WorkspaceRouting {
            chatgpt_account_id: self.id.0,
            backend_origin: origin.ok_or(RoutingFailure::NoOrigin)?.0,
            account_routing_override: policy.map_or_else(
                || AccountRoutingOverride::NoConstraint.into(),
                |policy| Open::named(&policy.0),
            ),
        })
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
        let read = self.read_json::<CheckAnswer>(&call, Some(lease)).await;
        let (answer, _) = read.map_err(|error| RoutingFailure::Call(error.to_string()))?;
        let mut accounts = answer.accounts.unwrap_or_default().0.into_iter();
        let found = accounts.find(|account| Some(&account.id.0) == id.as_ref());
        let routing = found.ok_or(RoutingFailure::NotListed)?.routing()?;
        WorkspaceRoute::of(&self.config(), &routing)
    }
}

#[cfg(test)]
mod tests {
    use super::{CheckAnswer, RoutingFailure};

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
        for none in [
            "",
            r#","account_routing_override":null"#,
            r#","account_routing_override":[]"#,
        ] {
            assert_eq!(listed(none), found("NO_CONSTRAINT"), "{none}");
        }
        for no_origin in ["null", "[7]", "{}"] {
            let text =
                format!(r#"{{"accounts":[{{"id":"a","workspace_backend_origin":{no_origin}}}]}}"#);
            assert_eq!(read(&text), [Err(RoutingFailure::NoOrigin)], "{no_origin}");
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
}
