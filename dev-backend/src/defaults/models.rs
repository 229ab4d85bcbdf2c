//! The list of models.

use hyper::StatusCode;
use hyper::header::{ETAG, HeaderMap, HeaderValue};
use serde_json::{Value, json};

use crate::answer::whole::Answer;
use crate::catalogue::{MODELS, Model};
use crate::checks::version;
use crate::request::dialect::Dialect;
use crate::request::record::RecordedRequest;
use crate::settings::measured::Settings;
use crate::settings::unpublished::ListOrder;

/// The tag of the list, repeated in `x-models-etag` of model responses.
pub(super) const TAG: &str = "W/\"made-up-list\"";

pub(super) fn answer(request: &RecordedRequest, settings: &Settings) -> Answer {
    if Dialect::of(request) == Dialect::Api {
        return Answer::json(StatusCode::OK, &of_the_api());
    }
    let mut models: Vec<_> = MODELS.iter().enumerate().collect();
    if settings.strict {
        match version::stated_by_query(request, &settings.unpublished) {
            Ok(stated) => models.retain(|(_, model)| model.minimal <= stated),
            Err(refusal) => return *refusal,
        }
    }
    if settings.unpublished.list_order == ListOrder::Reversed {
        models.reverse();
    }
    let models: Value = models
        .into_iter()
        .map(|(priority, model)| entry(priority, model))
        .collect();
    let tag = HeaderMap::from_iter([(ETAG, HeaderValue::from_static(TAG))]);
    Answer::json(StatusCode::OK, &json!({"models": models})).with_headers(tag)
}

fn entry(priority: usize, model: &Model) -> Value {
    let effort = |effort, description| json!({"effort": effort, "description": description});
    json!({
        "slug": model.slug,
        "display_name": model.name,
        "description": format!("{}, made up: it says what you said.", model.name),
        "default_reasoning_level": "medium",
        "supported_reasoning_levels": [
            effort("low", "Answers sooner"),
            effort("medium", "Between the two"),
            effort("high", "Thinks longer"),
        ],
        "visibility": if model.listed { "list" } else { "hide" },
        "minimal_client_version": model.minimal.to_string(),
        "supported_in_api": true,
        "priority": priority,
        "upgrade": null,
        "use_responses_lite": model.lite,
        "prefer_websockets": false,
        "input_modalities": ["text", "image"],
        "service_tiers": [{"id": "priority", "name": "Priority"}],
        "available_in_plans": ["plus", "pro", "team", "business", "enterprise"],
        "context_window": 272_000,
    })
}

/// Returns the API's list: ids alone, nothing hidden, no gate.
fn of_the_api() -> Value {
    let models = MODELS.iter().filter(|model| model.listed);
    let data: Value = models
        .map(|model| json!({"id": model.slug, "object": "model", "owned_by": "made-up"}))
        .collect();
    json!({"object": "list", "data": data})
}
