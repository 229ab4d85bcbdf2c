//! One workspace: the one in the request.

use serde_json::{Value, json};

use crate::request::record::RecordedRequest;

/// The account whose workspace a request is about.
pub(crate) fn account(request: &RecordedRequest) -> String {
    request
        .header("chatgpt-account-id")
        .map(str::to_owned)
        .or_else(|| request.auth_claim("chatgpt_account_id"))
        .unwrap_or_else(|| "account-dev".to_owned())
}

pub(super) fn body(request: &RecordedRequest) -> Value {
    routed(
        request,
        &account(request),
        "https://chatgpt.com",
        "NO_CONSTRAINT",
    )
}

/// Returns a list of one workspace with this routing.
pub(crate) fn routed(
    request: &RecordedRequest,
    account: &str,
    origin: &str,
    policy: &str,
) -> Value {
    json!({
        "accounts": [{
            "id": account,
            "account_user_id": format!("user-of-{account}"),
            "name": "Dev workspace",
            "structure": "workspace",
            "plan_type": request.auth_claim("chatgpt_plan_type"),
            "workspace_backend_origin": origin,
            "account_routing_override": policy,
        }],
        "default_account_id": account,
        "account_ordering": [account],
    })
}
