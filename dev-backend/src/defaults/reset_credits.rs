//! Credits that reset a rate limit: one is available.

use serde_json::{Value, json};

use crate::request::record::RecordedRequest;

const ID: &str = "RateLimitResetCredit_made_up";

pub(super) fn list() -> Value {
    json!({"credits": [credit("available")], "available_count": 1, "total_earned_count": 1})
}

/// Consumes a credit.
pub(super) fn consume(request: &RecordedRequest) -> Value {
    let body = request.json().unwrap_or_default();
    let asked = body["credit_id"].as_str();
    match asked {
        Some(id) if id != ID => json!({"code": "no_credit", "credit": null, "windows_reset": 0}),
        _ => json!({"code": "reset", "credit": credit("redeemed"), "windows_reset": 2}),
    }
}

fn credit(status: &str) -> Value {
    json!({
        "id": ID,
        "reset_type": "codex_rate_limits",
        "status": status,
        "granted_at": "2026-11-01T00:00:00Z",
        "expires_at": "2027-11-01T00:00:00Z",
        "title": "Made-up reset",
        "description": "Resets both windows.",
    })
}
