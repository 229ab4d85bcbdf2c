//! The owner of a personal access token.

use byokey_protocol::account::PlanType;
use byokey_protocol::secret::Secret;
use serde::Deserialize;

use super::exchange::{Answer, Request};
use super::settings::IssuerSettings;
use super::unusable;
use crate::{ChatgptAccount, IssuerFailure, TokenOwner};

/// All members are required: a token without a confirmed owner is refused.
#[derive(Deserialize)]
struct Owner {
    /// Required like the others, but nullable.
    #[serde(deserialize_with = "Option::deserialize")]
    email: Option<String>,
    chatgpt_user_id: String,
    chatgpt_account_id: String,
    chatgpt_plan_type: String,
    chatgpt_account_is_fedramp: bool,
}

pub(super) fn request(settings: &IssuerSettings, token: &Secret) -> Result<Request, IssuerFailure> {
    let url = settings.accounts.join("v1/user-auth-credential/whoami");
    Ok(Request::get(url.map_err(unusable)?).bearer(token))
}

pub(super) fn read(answer: &Answer) -> Result<TokenOwner, IssuerFailure> {
    let owner: Owner = answer.successful()?.json()?;
    if owner.chatgpt_account_id.is_empty() || owner.chatgpt_user_id.is_empty() {
        return Err(IssuerFailure::UnexpectedAnswer);
    }
    Ok(TokenOwner(ChatgptAccount {
        id: Some(owner.chatgpt_account_id),
        user_id: Some(owner.chatgpt_user_id),
        plan: PlanType::from_raw(&owner.chatgpt_plan_type),
        email: owner.email,
        fedramp: owner.chatgpt_account_is_fedramp,
        // The response does not name it.
        residency: None,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::exchange::Answer;
    use super::read;

    fn owner() -> Value {
        json!({
            "email": "u@example.com", "chatgpt_user_id": "u-1", "chatgpt_account_id": "ws-1",
            "chatgpt_plan_type": "pro", "chatgpt_account_is_fedramp": false,
        })
    }

    #[test]
    fn every_member_is_required_and_only_the_address_may_be_null() {
        let account = read(&Answer::of(200, &owner().to_string())).unwrap().0;
        assert_eq!(account.id.as_deref(), Some("ws-1"));
        let members: Vec<_> = owner().as_object().unwrap().keys().cloned().collect();
        for member in members {
            let mut without = owner();
            without.as_object_mut().unwrap().remove(&member);
            assert!(
                read(&Answer::of(200, &without.to_string())).is_err(),
                "{member} is missing"
            );
            let mut null = owner();
            null[&member] = Value::Null;
            let read = read(&Answer::of(200, &null.to_string()));
            assert_eq!(read.is_ok(), member == "email", "{member} is null");
        }
    }

    #[test]
    fn an_error_names_the_status_and_nothing_of_the_body() {
        let failure = read(&Answer::of(401, r#"{"error":"CANARY"}"#)).unwrap_err();
        let text = failure.to_string();
        assert!(text.contains("401 Unauthorized"), "{text}");
        assert!(!text.contains("CANARY"));
        assert!(read(&Answer::of(302, &owner().to_string())).is_err());
    }
}
