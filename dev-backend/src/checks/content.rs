//! Checks of the items of `input`: roles, and the content types allowed for each.

use hyper::StatusCode;
use serde_json::Value;

use crate::answer::error::{detail, schema};
use crate::answer::whole::Answer;

/// Returns the refusal of these items, if they are invalid.
pub(crate) fn refusal(items: &[Value]) -> Option<Answer> {
    if items.iter().any(|item| item["role"] == "system") {
        return Some(detail(
            StatusCode::BAD_REQUEST,
            "System messages are not allowed",
        ));
    }
    if items.iter().all(|item| item["role"] == "developer") {
        return Some(schema(
            "input",
            "missing_required_parameter",
            "Missing required parameter: 'input'.",
        ));
    }
    items.iter().enumerate().find_map(|(place, item)| {
        let parts = item["content"].as_array()?;
        // Only messages have a role; the content of other items is not checked.
        let allowed = allowed(item["role"].as_str()?);
        let wrong = |part: &Value| {
            part["type"]
                .as_str()
                .is_none_or(|kind| !allowed.contains(&kind))
        };
        let at = parts.iter().position(wrong)?;
        let kind = parts[at]["type"].as_str().unwrap_or_default();
        let supported: Vec<_> = allowed.iter().map(|kind| format!("'{kind}'")).collect();
        Some(schema(
            &format!("input[{place}].content[{at}]"),
            "invalid_value",
            &format!(
                "Invalid value: '{kind}'. Supported values are: {}.",
                supported.join(" and ")
            ),
        ))
    })
}

/// Returns the content types allowed for a role.
fn allowed(role: &str) -> &'static [&'static str] {
    match role {
        "assistant" => &["output_text", "refusal"],
        _ => &["input_text", "input_image"],
    }
}
