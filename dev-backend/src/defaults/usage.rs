//! Rate limits with room left in them, under the plan that the bearer claims.

use serde_json::{Value, json};

use super::windows::RESETS;
use crate::clock::unix_now;
use crate::request::record::RecordedRequest;

pub(super) fn body(request: &RecordedRequest) -> Value {
    let plan = request
        .auth_claim("chatgpt_plan_type")
        .unwrap_or_else(|| "pro".to_owned());
    let [short, long] = RESETS;
    json!({
        "plan_type": plan,
        "rate_limit": {
            "allowed": true,
            "limit_reached": false,
            "primary_window": window(42, 18_000, short),
            "secondary_window": window(5, 604_800, long),
        },
        "credits": {"has_credits": true, "unlimited": false, "balance": "9.99"},
        "additional_rate_limits": [],
    })
}

fn window(used_percent: u64, seconds: u64, reset_after: u64) -> Value {
    json!({
        "used_percent": used_percent,
        "limit_window_seconds": seconds,
        "reset_after_seconds": reset_after,
        "reset_at": unix_now() + reset_after,
    })
}
