//! A reply that says what the user said, with rate limits in its headers.

use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use super::windows::RESETS;
use crate::answer::reply::Reply;
use crate::answer::whole::Answer;
use crate::clock::unix_now;
use crate::request::record::RecordedRequest;

/// How much of the user's text is repeated.
const MAX_CHARS: usize = 400;

pub(super) fn answer(request: &RecordedRequest, id: impl FnOnce() -> u64) -> Answer {
    let Ok(body) = request.json() else {
        return Answer::error(StatusCode::BAD_REQUEST, "the request body is not JSON");
    };
    let said = body
        .get("input")
        .and_then(last_user_text)
        .unwrap_or_default();
    let reply = Reply::new(id(), request, pieces(&said), None);
    Answer::events(&reply.events()).with_headers(rate_limits())
}

/// What the user said last. `input` is a text, or a list of items of which some are the user's
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

/// The reply, one word to a piece.
fn pieces(said: &str) -> Vec<String> {
    let mut reply = String::from("You said: ");
    reply.extend(said.chars().take(MAX_CHARS));
    if said.chars().nth(MAX_CHARS).is_some() {
        reply.push('…');
    }
    reply.split_inclusive(' ').map(str::to_owned).collect()
}

fn rate_limits() -> HeaderMap {
    let [short, long] = RESETS;
    let now = unix_now();
    let header = |name, value: u64| (HeaderName::from_static(name), HeaderValue::from(value));
    HeaderMap::from_iter([
        header("x-codex-primary-used-percent", 43),
        header("x-codex-primary-window-minutes", 300),
        header("x-codex-primary-reset-at", now + short),
        header("x-codex-secondary-used-percent", 5),
        header("x-codex-secondary-window-minutes", 10_080),
        header("x-codex-secondary-reset-at", now + long),
    ])
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
