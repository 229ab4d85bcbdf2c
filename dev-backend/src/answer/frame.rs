//! Serialises one server-sent event.

use bytes::Bytes;
use serde_json::Value;

/// Serialises one event. A string is sent verbatim, so that a script can send invalid JSON.
pub(crate) fn frame(event: &Value) -> Bytes {
    let data = event
        .as_str()
        .map_or_else(|| event.to_string(), str::to_owned);
    let mut frame = String::with_capacity(data.len() + 64);
    if let Some(kind) = event.get("type").and_then(Value::as_str)
        && !kind.contains(['\r', '\n'])
    {
        frame.push_str("event: ");
        frame.push_str(kind);
        frame.push('\n');
    }
    for line in data.split('\n') {
        frame.push_str("data: ");
        frame.push_str(line);
        frame.push('\n');
    }
    frame.push('\n');
    frame.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_is_named_after_its_type() {
        let event = frame(&json!({"type": "response.created"}));
        assert_eq!(
            event,
            "event: response.created\ndata: {\"type\":\"response.created\"}\n\n"
        );
    }

    #[test]
    fn a_string_is_sent_as_it_stands() {
        assert_eq!(frame(&json!("[DONE]")), "data: [DONE]\n\n");
        assert_eq!(frame(&json!("{\n}")), "data: {\ndata: }\n\n");
    }
}
