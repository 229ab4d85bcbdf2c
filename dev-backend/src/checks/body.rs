//! Checks of the body of `POST …/responses`: an allow-list of members, and the type of each.

use hyper::StatusCode;
use serde_json::{Map, Value};

use super::content;
use crate::answer::error::{detail, schema};
use crate::answer::whole::Answer;
use crate::settings::unpublished::Unpublished;

/// The accepted members.
const MEMBERS: [&str; 14] = [
    "client_metadata",
    "include",
    "input",
    "instructions",
    "model",
    "parallel_tool_calls",
    "prompt_cache_key",
    "reasoning",
    "service_tier",
    "store",
    "stream",
    "text",
    "tool_choice",
    "tools",
];

/// Returns the refusal of this body, if it is invalid.
pub(crate) fn refusal(body: &Value, unpublished: &Unpublished) -> Option<Answer> {
    let Some(members) = body.as_object() else {
        return Some(bad("the request body is not a JSON object"));
    };
    let unknown = members
        .keys()
        .find(|name| !MEMBERS.contains(&name.as_str()));
    if let Some(name) = unknown {
        return Some(bad(&format!("Unsupported parameter: {name}")));
    }
    if body["stream"] != true {
        return Some(bad("Stream must be set to true"));
    }
    if body["store"] != false {
        return Some(bad("Store must be set to false"));
    }
    if let Some(tier) = service_tier(members) {
        return Some(bad(&format!("Unsupported service_tier: {tier}")));
    }
    let Some(items) = body["input"].as_array() else {
        return Some(bad("Input must be a list"));
    };
    if !has_instructions(body, items, unpublished.always_require_instructions) {
        return Some(bad("Instructions are required"));
    }
    let is_empty = |name: &&str| body[*name].as_array().is_some_and(Vec::is_empty);
    if let Some(name) = ["tools", "include"].into_iter().find(is_empty)
        && unpublished.refuse_empty_lists
    {
        return Some(schema(
            name,
            "empty_array",
            "an empty list, refused by a setting",
        ));
    }
    content::refusal(items)
}

fn bad(text: &str) -> Answer {
    detail(StatusCode::BAD_REQUEST, text)
}

/// Returns the service tier, if it is refused.
fn service_tier(members: &Map<String, Value>) -> Option<String> {
    let tier = members.get("service_tier").filter(|tier| !tier.is_null())?;
    match tier.as_str() {
        Some("priority" | "flex") => None,
        Some(other) => Some(other.to_owned()),
        None => Some(tier.to_string()),
    }
}

/// Returns whether there are instructions: a non-empty text or, without one, a first item of the
/// developer, as codex 0.171 sends its prompt.
fn has_instructions(body: &Value, items: &[Value], always: bool) -> bool {
    match &body["instructions"] {
        Value::String(text) => !text.is_empty(),
        Value::Null => {
            !always
                && items
                    .first()
                    .is_some_and(|item| item["role"] == "developer")
        }
        _ => false,
    }
}
