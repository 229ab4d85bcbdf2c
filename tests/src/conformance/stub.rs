//! The backend of a scenario, implemented by the loopback backend.
//!
//! Scenarios rely on the default answers of the recorder's own stub, which follow the scripted ones
//! here.

use byokey_dev_backend::Script;
use serde_json::{Value, json};

const ROUTES: [&str; 5] = ["responses", "usage", "profile", "models", "accountsCheck"];

/// Returns the script of a scenario, with placeholders filled.
///
/// # Panics
///
/// When the loopback backend rejects it.
#[must_use]
pub fn script(scenario: &Value) -> Script {
    let mut routes = json!({});
    for route in ROUTES {
        let mut steps: Vec<Value> = scenario["routes"][route]
            .as_array()
            .into_iter()
            .flatten()
            .map(|step| complete(step.clone()))
            .collect();
        let mut rest = complete(default_answer(route));
        rest["repeat"] = 0.into();
        steps.push(rest);
        routes[route] = steps.into();
    }
    let rejected = scenario
        .get("rejectedBearers")
        .cloned()
        .unwrap_or_else(|| json!([]));
    // The recorder's stub answers in the documented shapes, as in codex's recordings. Requests are
    // checked by the real rules.
    let settings = json!({"odd": false});
    let script = json!({"routes": routes, "rejectedBearers": rejected, "allowAnonymous": true,
                        "settings": settings});
    Script::from_value(script).expect("a script of the loopback backend")
}

/// Adds the default members of the recorder's stub to a step.
fn complete(mut step: Value) -> Value {
    let silent = step["hang"] == true || step["drop"] == true;
    if step.get("text").is_some() {
        if step.get("usage").is_none() {
            step["usage"] = json!({"inputTokens": 0, "outputTokens": 0});
        }
    } else if step.get("events").is_none() && !silent && step.get("body").is_none() {
        step["body"] = json!({});
    }
    step
}

fn default_answer(route: &str) -> Value {
    let body = match route {
        "responses" => {
            return json!({"text": ["Done"], "usage": {"inputTokens": 10, "outputTokens": 2}});
        }
        "usage" => json!({
            "plan_type": "pro",
            "rate_limit": {
                "allowed": true,
                "limit_reached": false,
                "primary_window": window(42, 18_000, 600, 1_900_000_000),
                "secondary_window": window(5, 604_800, 6_000, 1_900_500_000),
            },
        }),
        "profile" => json!({"stats": {
            "lifetime_tokens": 1_234_567,
            "peak_daily_tokens": 45_678,
            "longest_running_turn_sec": 321,
            "current_streak_days": 3,
            "longest_streak_days": 9,
            "daily_usage_buckets": [
                {"start_date": "2030-01-01", "tokens": 100},
                {"start_date": "2030-01-02", "tokens": 250},
            ],
        }}),
        "models" => json!({"models": [
            model("mock-model", "Mock Model", 1, "list"),
            model("mock-small", "Mock Small", 2, "list"),
            model("mock-hidden", "Mock Hidden", 3, "hide"),
        ]}),
        _ => json!({"accounts": []}),
    };
    json!({"status": 200, "body": body})
}

fn window(used: u64, seconds: u64, reset_after: u64, reset_at: u64) -> Value {
    json!({
        "used_percent": used,
        "limit_window_seconds": seconds,
        "reset_after_seconds": reset_after,
        "reset_at": reset_at,
    })
}

fn model(slug: &str, name: &str, priority: u64, visibility: &str) -> Value {
    json!({
        "slug": slug,
        "display_name": name,
        "description": format!("{name}, made up for tests."),
        "default_reasoning_level": "medium",
        "supported_reasoning_levels": [
            {"effort": "low", "description": "Less"},
            {"effort": "medium", "description": "More"},
        ],
        "shell_type": "shell_command",
        "visibility": visibility,
        "supported_in_api": true,
        "priority": priority,
        "upgrade": null,
        "base_instructions": "This is a test.",
        "supports_reasoning_summaries": false,
        "support_verbosity": false,
        "default_verbosity": null,
        "apply_patch_tool_type": null,
        "truncation_policy": {"mode": "bytes", "limit": 10_000},
        "supports_parallel_tool_calls": false,
        "context_window": 272_000,
        "experimental_supported_tools": [],
        "input_modalities": ["text", "image"],
    })
}
