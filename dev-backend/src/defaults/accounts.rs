//! One workspace: the one in the request.

use serde_json::{Value, json};

use crate::request::record::RecordedRequest;

pub(super) fn body(request: &RecordedRequest) -> Value {
    let account = request
        .header("chatgpt-account-id")
        .map(str::to_owned)
        .or_else(|| request.auth_claim("chatgpt_account_id"))
        .unwrap_or_else(|| "account-dev".to_owned());
    json!({
        "accounts": [{
            "id": account,
            "account_user_id": format!("user-of-{account}"),
            "name": "Dev workspace",
            "structure": "workspace",
            "plan_type": request.auth_claim("chatgpt_plan_type"),
            "workspace_backend_origin": "https://chatgpt.com",
            "account_routing_override": "NO_CONSTRAINT",
        }],
        "default_account_id": account,
        "account_ordering": [account],
    })
}
