//! The events of a model's reply.

use serde_json::{Value, json};

use super::usage::TokenUsage;
use crate::clock::unix_now;
use crate::request::dialect::Dialect;
use crate::request::record::RecordedRequest;

/// A reply with one message, in deltas.
pub(crate) struct Reply {
    id: String,
    item_id: String,
    /// The members echoed from the request, with `model`.
    echo: Value,
    /// The encrypted content of the reasoning item before the message, if there is one.
    reasoning: Option<String>,
    pieces: Vec<String>,
    usage: TokenUsage,
    /// Whether the last event repeats the items.
    repeats_output: bool,
    /// The message's phase.
    phase: Option<&'static str>,
}

impl Reply {
    /// Returns the reply number `id`. It contains reasoning if the request asks for encrypted
    /// reasoning.
    pub(crate) fn new(
        id: u64,
        request: &RecordedRequest,
        pieces: Vec<String>,
        usage: TokenUsage,
        odd: bool,
    ) -> Self {
        let body = request.json().unwrap_or_default();
        let model = body.get("model").and_then(Value::as_str);
        let asks_for_reasoning = body["include"].as_array().is_some_and(|parts| {
            parts
                .iter()
                .any(|part| part == "reasoning.encrypted_content")
        });
        Self {
            id: format!("resp-dev-{id}"),
            item_id: format!("msg-dev-{id}"),
            echo: json!({
                "model": model.unwrap_or("dev-model"),
                "prompt_cache_key": body["prompt_cache_key"],
                // Events that no client requests.
                "reasoning": {
                    "effort": body["reasoning"]["effort"],
                    "summary": "detailed",
                    "context": "all_turns",
                },
                // Never the requested value.
                "service_tier": "default",
                "store": false,
            }),
            reasoning: asks_for_reasoning.then(|| format!("gAAAA-made-up-reasoning-{id}")),
            pieces,
            usage,
            repeats_output: !odd || Dialect::of(request) == Dialect::Api,
            phase: odd.then_some("final_answer"),
        }
    }

    /// Returns all of its events.
    pub(crate) fn events(&self) -> Vec<Value> {
        let mut events = self.opening();
        events.extend(self.closing());
        numbered(events)
    }

    /// Returns its events up to the last delta of text.
    pub(crate) fn opening_events(&self) -> Vec<Value> {
        numbered(self.opening())
    }

    fn opening(&self) -> Vec<Value> {
        let mut events = vec![
            json!({"type": "response.created", "response": self.response("in_progress")}),
            json!({"type": "response.in_progress", "response": self.response("in_progress")}),
        ];
        if let Some(item) = self.reasoning_item() {
            events.extend(
                ["response.output_item.added", "response.output_item.done"]
                    .map(|kind| json!({"type": kind, "output_index": 0, "item": item})),
            );
        }
        events.push(
            json!({"type": "response.output_item.added", "output_index": self.place(),
                           "item": self.item("in_progress", &json!([]))}),
        );
        events.push(self.part("response.content_part.added", "part", &output_text("")));
        let delta =
            |piece: &String| self.part("response.output_text.delta", "delta", &json!(piece));
        events.extend(self.pieces.iter().map(delta));
        events
    }

    fn closing(&self) -> [Value; 4] {
        let text = self.pieces.concat();
        let part = output_text(&text);
        let item = self.item("completed", &json!([part]));
        let mut response = self.response("completed");
        response["usage"] = self.usage.to_json();
        if self.repeats_output {
            let items = self.reasoning_item().into_iter().chain([item.clone()]);
            response["output"] = items.collect();
        }
        [
            self.part("response.output_text.done", "text", &json!(text)),
            self.part("response.content_part.done", "part", &part),
            json!({"type": "response.output_item.done", "output_index": self.place(),
                   "item": item}),
            json!({"type": "response.completed", "response": response}),
        ]
    }

    /// Returns an event for the only part of the message.
    fn part(&self, kind: &str, member: &str, value: &Value) -> Value {
        json!({"type": kind, "item_id": self.item_id, "output_index": self.place(),
               "content_index": 0, member: value})
    }

    /// Returns the index of the message among the items.
    fn place(&self) -> usize {
        usize::from(self.reasoning.is_some())
    }

    fn response(&self, status: &str) -> Value {
        let mut response = self.echo.clone();
        response["id"] = self.id.as_str().into();
        response["object"] = "response".into();
        response["created_at"] = unix_now().into();
        response["status"] = status.into();
        response["output"] = json!([]);
        response
    }

    fn item(&self, status: &str, content: &Value) -> Value {
        let mut item = json!({"id": self.item_id, "type": "message", "role": "assistant",
                              "status": status, "content": content});
        if let Some(phase) = self.phase {
            item["phase"] = phase.into();
        }
        item
    }

    fn reasoning_item(&self) -> Option<Value> {
        let content = self.reasoning.as_ref()?;
        Some(
            json!({"id": format!("rs-{}", self.item_id), "type": "reasoning", "summary": [],
                    "encrypted_content": content}),
        )
    }
}

fn output_text(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": []})
}

/// Numbers the events of a response.
pub(crate) fn numbered(mut events: Vec<Value>) -> Vec<Value> {
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = number.into();
    }
    events
}
