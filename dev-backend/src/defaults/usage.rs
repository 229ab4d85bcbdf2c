//! Rate limits, in the variant of the bearer's plan.

use serde_json::{Value, json};

use crate::answer::limit_headers::RESETS;
use crate::clock::unix_now;
use crate::request::record::RecordedRequest;

/// The variants of accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// Two windows.
    Plus,
    /// The weekly window is the primary one, and the only one.
    WeeklyOnly,
    /// No windows at all: `rate_limit` is null.
    Business,
    /// Windows and credits are used up.
    CreditsExhausted,
    /// A separate limit for this member of a workspace.
    SpendControl,
    /// The odd members that were observed: empty balances, objects of nulls, unknown additions.
    Odd,
}

impl Variant {
    /// Returns the variant of a plan.
    fn of_plan(plan: &str) -> Self {
        match plan {
            "business" | "enterprise" => Self::Business,
            _ => Self::Plus,
        }
    }
}

/// Returns the usage of the request's account, which has this many reset credits.
pub(super) fn body(request: &RecordedRequest, reset_credits: u64) -> Value {
    let plan = request.auth_claim("chatgpt_plan_type");
    let mut body = variant(request, Variant::of_plan(plan.as_deref().unwrap_or("pro")));
    body["rate_limit_reset_credits"]["available_count"] = reset_credits.into();
    body
}

/// Returns the usage in one variant.
pub(crate) fn variant(request: &RecordedRequest, variant: Variant) -> Value {
    let claim = |name| request.auth_claim(name);
    let account = request.header("chatgpt-account-id").map(str::to_owned);
    let mut body = json!({
        "account_id": account.or_else(|| claim("chatgpt_account_id")),
        "user_id": claim("chatgpt_user_id"),
        "email": request.claims().map(|claims| claims["email"].clone()),
        "plan_type": claim("chatgpt_plan_type").unwrap_or_else(|| "pro".to_owned()),
        "rate_limit": limits(Some(window(42, 18_000)), Some(window(5, 604_800))),
        "code_review_rate_limit": null,
        "additional_rate_limits": [],
        "credits": credits(true, "9.99"),
        "rate_limit_reached_type": null,
        "rate_limit_reset_credits": {"available_count": 0, "applicable_available_count": 0},
        "spend_control": {"reached": false, "individual_limit": null},
        "model_usage": null,
        "chatpass": null,
        "promo": null,
    });
    match variant {
        Variant::Plus => {}
        Variant::WeeklyOnly => {
            body["rate_limit"] = limits(Some(window(17, 604_800)), None);
        }
        Variant::Business => {
            body["rate_limit"] = Value::Null;
            body["credits"] = Value::Null;
            body["rate_limit_reset_credits"] = Value::Null;
            body["spend_control"] = Value::Null;
            body["additional_rate_limits"] = Value::Null;
        }
        Variant::CreditsExhausted => {
            body["rate_limit"] = limits(Some(window(100, 18_000)), Some(window(100, 604_800)));
            body["rate_limit"]["allowed"] = false.into();
            body["rate_limit"]["limit_reached"] = true.into();
            body["rate_limit_reached_type"] = json!({"type": "rate_limit_reached"});
            body["credits"] = credits(false, "0.00");
            body["credits"]["overage_limit_reached"] = true.into();
        }
        Variant::SpendControl => {
            body["spend_control"] = json!({"reached": true, "individual_limit": {
                "source": "workspace", "limit": "100", "used": "100.25", "remaining": "0",
                "used_percent": 100, "remaining_percent": 0,
                "reset_after_seconds": 86_400, "reset_at": unix_now() + 86_400}});
        }
        Variant::Odd => {
            body["credits"] = json!({"has_credits": false, "unlimited": false, "balance": "",
                "approx_local_messages": null, "approx_cloud_messages": [0, 0]});
            body["rate_limit_reached_type"] = json!({"type": null, "details": null});
            body["additional_rate_limits"] = json!([{
                "limit_name": "GPT-5.3-Codex-Spark", "metered_feature": "codex_bengalfox",
                "normal_model_slug": "gpt-5.3-codex-spark",
                "rate_limit": limits(Some(window(12, 18_000)), None)}]);
            body["rate_limit_upsell"] = json!({"made_up": true});
            body["referral_beacon"] = Value::Null;
        }
    }
    body
}

fn limits(primary: Option<Value>, secondary: Option<Value>) -> Value {
    json!({"allowed": true, "limit_reached": false,
           "primary_window": primary, "secondary_window": secondary})
}

fn credits(has_credits: bool, balance: &str) -> Value {
    json!({"has_credits": has_credits, "unlimited": false, "overage_limit_reached": false,
           "balance": balance, "approx_local_messages": [4, 20], "approx_cloud_messages": [1, 5]})
}

/// Returns the short window, or the long one.
fn window(used_percent: u64, seconds: u64) -> Value {
    let [short, long] = RESETS;
    let reset_after = if seconds > 86_400 { long } else { short };
    json!({
        "used_percent": used_percent,
        "limit_window_seconds": seconds,
        "reset_after_seconds": reset_after,
        "reset_at": unix_now() + reset_after,
    })
}
