//! Credits that reset a rate limit. How many there are is a setting; spending them is remembered.

use serde_json::{Value, json};

use crate::request::record::RecordedRequest;
use crate::state::reset_credits::SpentCredits;

/// Most credits of the list; the real one may be shortened, too.
const MOST_LISTED: u64 = 100;

/// Returns how many credits can be spent.
pub(super) fn available(granted: u64, spent: &SpentCredits) -> u64 {
    granted.saturating_sub(spent.count())
}

/// Lists the credits, the spent ones included.
pub(super) fn list(granted: u64, spent: &SpentCredits) -> Value {
    let credits: Vec<Value> = (1..=granted.min(MOST_LISTED))
        .map(|number| {
            let is_spent = spent.contains(number);
            credit(number, if is_spent { "redeemed" } else { "available" })
        })
        .collect();
    json!({
        "credits": credits,
        "available_count": available(granted, spent),
        "total_earned_count": granted,
    })
}

/// Spends a credit, once for each `redeem_request_id`.
pub(super) fn consume(request: &RecordedRequest, granted: u64, spent: &mut SpentCredits) -> Value {
    let body = request.json().unwrap_or_default();
    let key = body["redeem_request_id"].as_str().unwrap_or_default();
    let refused = |code: &str| json!({"code": code, "credit": null, "windows_reset": 0});
    if spent.has_key(key) {
        return refused("already_redeemed");
    }
    let mut unspent = (1..=granted).filter(|number| !spent.contains(*number));
    let chosen = match body["credit_id"].as_str() {
        Some(asked) => unspent.find(|number| id(*number) == asked),
        None => unspent.next(),
    };
    let Some(number) = chosen else {
        return refused("no_credit");
    };
    spent.add(key, number);
    json!({"code": "reset", "credit": credit(number, "redeemed"), "windows_reset": 2})
}

fn id(number: u64) -> String {
    format!("RateLimitResetCredit_made_up_{number}")
}

fn credit(number: u64, status: &str) -> Value {
    json!({
        "id": id(number),
        "reset_type": "codex_rate_limits",
        "status": status,
        "granted_at": "2026-11-01T00:00:00Z",
        "expires_at": "2027-11-01T00:00:00Z",
        "title": "Made-up reset",
        "description": "Resets both windows.",
    })
}
