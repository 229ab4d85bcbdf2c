//! Workspace routing: where the model calls of a ChatGPT workspace go.

use serde::de::MapAccess;
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::member::{Kind, Member};
use crate::open::Open;

/// Where the model calls of a workspace go, as codex writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceRouting {
    /// The workspace: the account id of the login.
    pub chatgpt_account_id: String,
    /// The origin of the model calls: scheme, host and port, like `https://us.chatgpt.com`.
    pub backend_origin: String,
    /// The policy that model calls name in the header `x-openai-account-routing-override`.
    pub account_routing_override: Open<AccountRoutingOverride>,
}

/// The routing policy of a workspace. The list grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum AccountRoutingOverride {
    /// None: the header is not sent.
    #[serde(rename = "NO_CONSTRAINT")]
    NoConstraint,
    /// The United States.
    #[serde(rename = "us")]
    Us,
    /// A policy that codex calls `us_cr`.
    #[serde(rename = "us_cr")]
    UsCr,
}

impl Open<AccountRoutingOverride> {
    /// Returns the policy of this name, known or not.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let name = Value::from(name);
        match AccountRoutingOverride::deserialize(&name) {
            Ok(known) => Self::Known(known),
            Err(_) => Self::Unknown(name),
        }
    }
}

/// The members as received. Without a policy there is no constraint.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Fields {
    chatgpt_account_id: Member<String>,
    backend_origin: Member<String>,
    account_routing_override: Member<String>,
}

impl Fields {
    fn read(self) -> Option<WorkspaceRouting> {
        let account_routing_override = match self.account_routing_override {
            Member::Absent => AccountRoutingOverride::NoConstraint.into(),
            Member::Given(name) => Open::named(&name),
            Member::Odd => return None,
        };
        Some(WorkspaceRouting {
            chatgpt_account_id: self.chatgpt_account_id.usable()?,
            backend_origin: self.backend_origin.usable()?,
            account_routing_override,
        })
    }
}

impl Kind for WorkspaceRouting {
    fn of_text(_: &str) -> Option<Self> {
        None
    }

    fn of_map<'de, A: MapAccess<'de>>(map: A) -> Result<Option<Self>, A::Error> {
        let fields = Fields::deserialize(MapAccessDeserializer::new(map))?;
        Ok(fields.read())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{AccountRoutingOverride, WorkspaceRouting};
    use crate::member::Member;
    use crate::open::Open;

    fn read(value: serde_json::Value) -> Member<WorkspaceRouting> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_routing_is_read_leniently_and_written_as_codex_writes_it() {
        for (policy, expected) in [
            (json!("us"), AccountRoutingOverride::Us.into()),
            (json!("us_cr"), AccountRoutingOverride::UsCr.into()),
            (json!("eu"), Open::Unknown(json!("eu"))),
            (json!(null), AccountRoutingOverride::NoConstraint.into()),
        ] {
            let given = json!({
                "chatgptAccountId": "ws-1",
                "backendOrigin": "https://us.chatgpt.com",
                "accountRoutingOverride": policy,
                "more": {"a": [1]},
            });
            let Member::Given(routing) = read(given) else {
                panic!("{policy}");
            };
            assert_eq!(routing.account_routing_override, expected);
        }
        let routing = WorkspaceRouting {
            chatgpt_account_id: "ws-1".into(),
            backend_origin: "https://chatgpt.com".into(),
            account_routing_override: AccountRoutingOverride::NoConstraint.into(),
        };
        assert_eq!(
            serde_json::to_value(routing).unwrap(),
            json!({
                "chatgptAccountId": "ws-1",
                "backendOrigin": "https://chatgpt.com",
                "accountRoutingOverride": "NO_CONSTRAINT",
            })
        );
    }

    #[test]
    fn what_is_no_routing_is_odd() {
        let whole = json!({"chatgptAccountId": "ws-1", "backendOrigin": "https://us.chatgpt.com"});
        assert!(matches!(read(whole.clone()), Member::Given(_)));
        for (member, value) in [
            ("chatgptAccountId", json!(null)),
            ("backendOrigin", json!(7)),
            ("accountRoutingOverride", json!(["us"])),
        ] {
            let mut odd = whole.clone();
            odd[member] = value;
            assert_eq!(read(odd), Member::Odd, "{member}");
        }
        assert_eq!(read(json!("us")), Member::Odd);
        assert_eq!(read(json!([whole])), Member::Odd);
        assert_eq!(read(json!(null)), Member::Absent);
    }
}
