//! How much a conversation holds, and how much it may.
//!
//! A text counts as long as it is in JSON: a turn sends the whole conversation, and some characters
//! take six bytes there.

use byokey_protocol::item::{ThreadItem, UserInput};
use serde_json::Value;

use super::thread::Settings;
pub(crate) use crate::backend::of_text;

/// Most threads.
pub(super) const MAX_THREADS: usize = 1024;
/// Most bytes of all conversations together.
pub(super) const MAX_CONVERSATIONS: usize = 4 * 1024 * 1024;
/// Most bytes of one conversation. Hardly a model takes more than half of it.
pub(super) const MAX_CONVERSATION: usize = 3 * 1024 * 1024;
/// Most turns in progress. Each holds a connection to the backend.
pub(super) const MAX_TURNS: usize = 96;
/// Longest input of a turn, and longest instructions of a thread: a quarter of the longest
/// message.
pub(crate) const MAX_TEXT: usize = 1024 * 1024;
/// Longest name of a setting: of a model, an effort and the like.
pub(crate) const MAX_NAME: usize = 256;
/// Longest path of a working folder.
pub(crate) const MAX_PATH: usize = 4096;

/// What one thing takes beside its texts.
const OVERHEAD: usize = 512;

/// Bytes of a value, counted by what it takes in memory.
fn of_value(value: &Value) -> usize {
    let inside = match value {
        Value::String(text) => of_text(text),
        Value::Array(values) => values.iter().map(of_value).sum(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| size_of::<String>() + of_text(name) + of_value(value))
            .sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    size_of::<Value>() + inside
}

/// Bytes of an item.
pub(crate) fn of_item(item: &ThreadItem) -> usize {
    let inside = match item {
        ThreadItem::UserMessage { content, .. } => content.iter().map(of_input).sum(),
        ThreadItem::AgentMessage { text, phase, .. } => {
            of_text(text) + phase.as_deref().map_or(0, of_text)
        }
    };
    OVERHEAD + inside
}

fn of_input(input: &UserInput) -> usize {
    let inside = match input {
        UserInput::Text {
            text,
            text_elements,
        } => of_text(text) + text_elements.iter().map(of_value).sum::<usize>(),
        _ => 0,
    };
    size_of::<UserInput>() + inside
}

/// Bytes of the settings of a thread.
pub(super) fn of_settings(settings: &Settings) -> usize {
    let texts = [
        Some(settings.model.name()),
        settings.effort.as_deref(),
        settings.summary.as_deref(),
        Some(&settings.cwd),
        Some(&settings.model_provider),
        settings.base_instructions.as_deref(),
        settings.developer_instructions.as_deref(),
    ];
    let values = [&settings.approval_policy, &settings.sandbox];
    let texts: usize = texts.into_iter().flatten().map(of_text).sum();
    let values: usize = values.into_iter().flatten().map(of_value).sum();
    OVERHEAD + texts + values
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{of_text, of_value};

    #[test]
    fn a_text_counts_as_it_is_sent() {
        for text in [
            "",
            "plain",
            "\"\\\n\r\t\u{8}\u{c}",
            "\0\u{1f}\u{7f}",
            "\u{e4}\u{1f44d}",
        ] {
            let sent = serde_json::to_string(text).unwrap();
            assert_eq!(of_text(text), sent.len() - 2, "{sent}");
        }
    }

    #[test]
    fn a_short_value_counts_what_it_takes() {
        let ones = json!(vec![1; 1000]);
        assert!(of_value(&ones) >= 1000 * size_of::<serde_json::Value>());
    }
}
