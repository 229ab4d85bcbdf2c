//! Rate limits as an event: the first one of a stream.

use serde_json::{Value, json};

use super::limit_headers::RESETS;
use crate::clock::unix_now;

/// Returns the event, with this much of both windows used.
pub(crate) fn event(plan: &str, used: [u64; 2], limit_reached: bool) -> Value {
    let [short, long] = RESETS;
    json!({
        "type": "codex.rate_limits",
        "plan_type": plan,
        "rate_limits": {
            "allowed": !limit_reached,
            "limit_reached": limit_reached,
            "primary": window(used[0], 300, short),
            "secondary": window(used[1], 10_080, long),
        },
        "code_review_rate_limits": null,
        "additional_rate_limits": null,
        "credits": {"has_credits": false, "unlimited": false, "balance": ""},
        "promo": null,
    })
}

fn window(used_percent: u64, minutes: u64, reset_after: u64) -> Value {
    json!({
        "used_percent": used_percent,
        "window_minutes": minutes,
        "reset_after_seconds": reset_after,
        "reset_at": unix_now() + reset_after,
    })
}
