//! Three models, one of them hidden.

use serde_json::{Value, json};

pub(super) fn body() -> Value {
    json!({"models": [
        model("codex-auto-balanced", "Auto", "Picks a model for you.", "list", 0),
        model("dev-model", "Dev model", "Says what you said.", "list", 1),
        model("dev-model-hidden", "Hidden dev model", "Not shown in lists.", "hide", 2),
    ]})
}

fn model(slug: &str, name: &str, description: &str, visibility: &str, priority: u32) -> Value {
    json!({
        "slug": slug,
        "display_name": name,
        "description": description,
        "default_reasoning_level": "medium",
        "supported_reasoning_levels": [
            {"effort": "low", "description": "Answers sooner"},
            {"effort": "medium", "description": "Between the two"},
            {"effort": "high", "description": "Thinks longer"},
        ],
        "visibility": visibility,
        "supported_in_api": true,
        "priority": priority,
    })
}
