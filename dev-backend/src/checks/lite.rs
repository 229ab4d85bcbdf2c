//! Checks of the lite form of a request, announced by a header.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::answer::error::{detail, schema};
use crate::answer::whole::Answer;
use crate::catalogue;
use crate::request::record::RecordedRequest;
use crate::settings::unpublished::Unpublished;

const HEADER: &str = "x-openai-internal-codex-responses-lite";

/// Returns the refusal of a request with the wrong form for its model, if it is refused.
pub(crate) fn refusal(
    request: &RecordedRequest,
    body: &Value,
    unpublished: &Unpublished,
) -> Option<Answer> {
    let model = body["model"].as_str().unwrap_or_default();
    if request.header(HEADER) != Some("true") {
        let is_lite_only = unpublished
            .lite_only_models
            .iter()
            .any(|name| name == model);
        return is_lite_only.then(|| unsupported(model, "needs"));
    }
    if catalogue::find(model).is_none_or(|model| !model.lite) {
        return Some(unsupported(model, "does not support"));
    }
    let expected = [
        ("tool_choice", &body["tool_choice"], json!("auto")),
        (
            "parallel_tool_calls",
            &body["parallel_tool_calls"],
            json!(false),
        ),
        (
            "reasoning.context",
            &body["reasoning"]["context"],
            json!("all_turns"),
        ),
        (
            "input[0].type",
            &body["input"][0]["type"],
            json!("additional_tools"),
        ),
        ("instructions", &body["instructions"], Value::Null),
        ("tools", &body["tools"], Value::Null),
    ];
    let (param, found, _) = expected
        .into_iter()
        .find(|(_, found, wanted)| *found != wanted)?;
    let message = format!("Unsupported value: '{found}' is not supported with responses lite.");
    Some(schema(param, "unsupported_value", &message))
}

fn unsupported(model: &str, verb: &str) -> Answer {
    let text = format!("The '{model}' model {verb} the header {HEADER}.");
    detail(StatusCode::BAD_REQUEST, &text)
}
