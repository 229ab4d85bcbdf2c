//! A reply that echoes the user, with rate limits in its headers.

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use super::models;
use crate::answer::reply::Reply;
use crate::answer::usage::TokenUsage;
use crate::answer::whole::Answer;
use crate::answer::{limit_event, limit_headers};
use crate::request::dialect::Dialect;
use crate::request::record::RecordedRequest;

/// How many characters of the user's text are repeated.
const MAX_CHARS: usize = 400;

/// The used part of both windows after the reply.
const USED: [u64; 2] = [43, 5];

pub(super) fn answer(request: &RecordedRequest, id: u64, tokens: TokenUsage, odd: bool) -> Answer {
    let body = request.json().unwrap_or_default();
    let said = body
        .get("input")
        .and_then(last_user_text)
        .unwrap_or_default();
    let pieces = pieces(&said);
    let usage = TokenUsage {
        output_tokens: u64::try_from(pieces.len()).unwrap_or(u64::MAX),
        ..tokens
    };
    let reply = Reply::new(id, request, pieces, usage, odd);
    if Dialect::of(request) == Dialect::Api {
        return Answer::events(reply.events());
    }
    let plan = request.auth_claim("chatgpt_plan_type");
    let plan = plan.unwrap_or_else(|| "pro".to_owned());
    let mut events = Vec::new();
    if odd {
        events.push(limit_event::event(&plan, USED, false));
    }
    events.extend(reply.events());
    let limits = limit_headers::family("codex", &plan, USED);
    let model = body["model"].as_str().unwrap_or_default();
    Answer::events(events)
        .with_headers(limits)
        .with_headers(about(model, id))
}

/// Returns the headers with details of a response.
fn about(model: &str, id: u64) -> HeaderMap {
    let request = format!("req-made-up-{id}");
    let headers = [
        ("x-models-etag", models::TAG),
        ("x-oai-request-id", request.as_str()),
        ("x-request-id", request.as_str()),
        ("openai-model", model),
        ("openai-processing-ms", "7"),
        ("x-reasoning-included", "true"),
    ];
    let header = |(name, value): (&'static str, &str)| {
        Some((
            HeaderName::from_static(name),
            HeaderValue::try_from(value).ok()?,
        ))
    };
    headers.into_iter().filter_map(header).collect()
}

/// Returns the user's last text. `input` is a text, or a list of items, some of them the user's
/// messages.
fn last_user_text(input: &Value) -> Option<String> {
    if let Some(text) = input.as_str() {
        return Some(text.to_owned());
    }
    let is_users = |item: &&Value| item.get("role").is_some_and(|role| role == "user");
    let content = input
        .as_array()?
        .iter()
        .rev()
        .find(is_users)?
        .get("content")?;
    if let Some(text) = content.as_str() {
        return Some(text.to_owned());
    }
    Some(
        content
            .as_array()?
            .iter()
            .filter_map(|part| part.get("text")?.as_str())
            .collect(),
    )
}

/// Splits the reply into one delta per word.
fn pieces(said: &str) -> Vec<String> {
    let mut reply = String::from("You said: ");
    reply.extend(said.chars().take(MAX_CHARS));
    if said.chars().nth(MAX_CHARS).is_some() {
        reply.push('…');
    }
    reply.split_inclusive(' ').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_last_text_of_the_user_is_found() {
        let user = |content: Value| json!({"type": "message", "role": "user", "content": content});
        let part = |text: &str| json!({"type": "input_text", "text": text});
        let assistant = json!({"type": "message", "role": "assistant", "content": [part("no")]});
        let cases = [
            (json!("hello"), Some("hello")),
            (
                json!([user(json!("one")), user(json!("two")), assistant]),
                Some("two"),
            ),
            (
                json!([user(
                    json!([part("a "), {"type": "input_image"}, part("b")])
                )]),
                Some("a b"),
            ),
            (json!([assistant]), None),
            (json!(7), None),
        ];
        for (input, expected) in cases {
            assert_eq!(last_user_text(&input).as_deref(), expected, "{input}");
        }
    }

    #[test]
    fn long_texts_are_cut() {
        let reply = pieces(&"ä".repeat(MAX_CHARS + 1)).concat();
        assert!(reply.starts_with("You said: ä") && reply.ends_with('…'));
        assert_eq!(reply.chars().count(), "You said: ".len() + MAX_CHARS + 1);
    }
}
