//! The events that make up a model's reply.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock::unix_now;
use crate::request::record::RecordedRequest;

/// How many tokens a reply is said to have cost.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct TokenUsage {
    input_tokens: u64,
    cached_input_tokens: u64,
    output_tokens: u64,
    reasoning_output_tokens: u64,
}

impl TokenUsage {
    /// About one token for four bytes of the request, and one for each piece of the reply.
    fn estimate(request: &RecordedRequest, pieces: &[String]) -> Self {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        Self {
            input_tokens: count(request.body.len().div_ceil(4)),
            output_tokens: count(pieces.len()),
            ..Self::default()
        }
    }

    fn to_json(self) -> Value {
        json!({
            "input_tokens": self.input_tokens,
            "input_tokens_details": {"cached_tokens": self.cached_input_tokens},
            "output_tokens": self.output_tokens,
            "output_tokens_details": {"reasoning_tokens": self.reasoning_output_tokens},
            "total_tokens": self.input_tokens.saturating_add(self.output_tokens),
        })
    }
}

/// A reply of one message, in pieces.
pub(crate) struct Reply {
    id: String,
    item_id: String,
    model: String,
    pieces: Vec<String>,
    usage: TokenUsage,
}

impl Reply {
    /// The reply number `id`; its usage is estimated if none is given.
    pub(crate) fn new(
        id: u64,
        request: &RecordedRequest,
        pieces: Vec<String>,
        usage: Option<TokenUsage>,
    ) -> Self {
        let model = request
            .json()
            .ok()
            .and_then(|body| Some(body.get("model")?.as_str()?.to_owned()));
        Self {
            id: format!("resp-dev-{id}"),
            item_id: format!("msg-dev-{id}"),
            model: model.unwrap_or_else(|| "dev-model".to_owned()),
            usage: usage.unwrap_or_else(|| TokenUsage::estimate(request, &pieces)),
            pieces,
        }
    }

    /// All of its events.
    pub(crate) fn events(&self) -> Vec<Value> {
        numbered(self.opening().chain(self.closing()))
    }

    /// Its events up to the last piece of text.
    pub(crate) fn opening_events(&self) -> Vec<Value> {
        numbered(self.opening())
    }

    fn opening(&self) -> impl Iterator<Item = Value> {
        let start = [
            json!({"type": "response.created", "response": self.response("in_progress", &[])}),
            json!({"type": "response.output_item.added", "output_index": 0,
                   "item": self.item("in_progress", json!([]))}),
        ];
        let deltas = self.pieces.iter().map(|piece| {
            json!({"type": "response.output_text.delta", "item_id": self.item_id,
                   "output_index": 0, "content_index": 0, "delta": piece})
        });
        start.into_iter().chain(deltas)
    }

    fn closing(&self) -> impl Iterator<Item = Value> {
        let text =
            json!([{"type": "output_text", "text": self.pieces.concat(), "annotations": []}]);
        let item = self.item("completed", text);
        let mut response = self.response("completed", std::slice::from_ref(&item));
        response["usage"] = self.usage.to_json();
        [
            json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
            json!({"type": "response.completed", "response": response}),
        ]
        .into_iter()
    }

    fn response(&self, status: &str, output: &[Value]) -> Value {
        json!({"id": self.id, "object": "response", "created_at": unix_now(),
               "status": status, "model": self.model, "output": output})
    }

    fn item(&self, status: &str, content: Value) -> Value {
        json!({"id": self.item_id, "type": "message", "role": "assistant",
               "status": status, "content": content})
    }
}

fn numbered(events: impl Iterator<Item = Value>) -> Vec<Value> {
    let number = |(number, mut event): (usize, Value)| {
        event["sequence_number"] = number.into();
        event
    };
    events.enumerate().map(number).collect()
}
