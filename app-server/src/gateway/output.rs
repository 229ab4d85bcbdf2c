//! The events of a model's answer: the items of its output, and how it ended.
//!
//! The ChatGPT backend's last event may have an empty `output`; SDKs read the answer from it.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::backend::Part;

const MIB: usize = 1024 * 1024;
/// Longest output that is held: the items of one answer, together.
const MAX_OUTPUT: usize = 16 * MIB;
/// Longest event.
pub(super) const MAX_EVENT: usize = 16 * MIB;

/// What the events of an answer have said so far.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// The complete items, as JSON, with commas between them.
    items: Vec<u8>,
    /// The room of all that is stored.
    room: Option<Part>,
    /// Whether an item was left out: it exceeds the limit, or there was no room for it.
    pub(super) is_cut: bool,
    /// Whether other answers took the room for it.
    pub(super) had_no_room: bool,
    /// How it ended.
    pub(super) end: Option<End>,
    /// The error that an event reported.
    pub(super) error: Option<Box<RawValue>>,
}

/// The end of an answer.
#[derive(Debug)]
pub(super) struct End {
    pub(super) kind: EndKind,
    /// The response of the last event, with the whole output.
    pub(super) response: Box<RawValue>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndKind {
    Completed,
    Incomplete,
    Failed,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type", borrow)]
    kind: &'a str,
    #[serde(borrow)]
    item: Option<&'a RawValue>,
    #[serde(borrow)]
    response: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

impl Output {
    /// Returns one that takes what it stores from this part.
    pub(super) fn in_room(part: Part) -> Self {
        Self {
            room: Some(part),
            ..Self::default()
        }
    }

    /// Takes the data of the next event. Returns the event to write in its place, if it is the last
    /// one and lacked the output.
    pub(super) fn see(&mut self, data: &[u8]) -> Option<Vec<u8>> {
        let event: Event<'_> = serde_json::from_slice(data).ok()?;
        let kind = match event.kind {
            "response.output_item.done" => {
                self.add(event.item?);
                return None;
            }
            "error" => {
                let whole = std::str::from_utf8(data).ok()?.to_owned();
                let error = event.error.map(ToOwned::to_owned);
                self.error = error.or_else(|| RawValue::from_string(whole).ok());
                return None;
            }
            "response.completed" => EndKind::Completed,
            "response.incomplete" => EndKind::Incomplete,
            "response.failed" => EndKind::Failed,
            _ => return None,
        };
        let response = event.response?;
        // The output in the response, and that in the event.
        let copies = 3 * (self.items.len() + data.len());
        if self
            .room
            .as_mut()
            .is_some_and(|room| room.take(copies).is_err())
        {
            let response = RawValue::NULL.to_owned();
            (self.is_cut, self.had_no_room) = (true, true);
            self.end = Some(End { kind, response });
            return None;
        }
        let whole = self.with_output(response);
        let changed = whole.as_ref().and_then(|whole| {
            let text = std::str::from_utf8(data).ok()?;
            Some(text.replacen(response.get(), whole.get(), 1).into_bytes())
        });
        let response = whole.unwrap_or_else(|| response.to_owned());
        self.end = Some(End { kind, response });
        changed
    }

    fn add(&mut self, item: &RawValue) {
        let item = item.get().as_bytes();
        if self.items.len() + item.len() > MAX_OUTPUT {
            self.is_cut = true;
            return;
        }
        if let Some(room) = &mut self.room
            && room
                .grow(&mut self.items, 1 + item.len(), MAX_OUTPUT)
                .is_err()
        {
            (self.is_cut, self.had_no_room) = (true, true);
            return;
        }
        if !self.items.is_empty() {
            self.items.push(b',');
        }
        self.items.extend_from_slice(item);
    }

    /// Returns the list of the complete items; `None` if there is none.
    pub(super) fn list(&self) -> Option<Box<RawValue>> {
        let items = std::str::from_utf8(&self.items).ok()?;
        let list = (!items.is_empty()).then(|| ["[", items, "]"].concat());
        RawValue::from_string(list?).ok()
    }

    /// Returns the response with the items of the output, if it has none itself.
    fn with_output(&self, response: &RawValue) -> Option<Box<RawValue>> {
        #[derive(Deserialize)]
        struct Outputs<'a> {
            #[serde(borrow, default, deserialize_with = "present")]
            output: Option<&'a RawValue>,
        }

        // A null is a member that is there, and would be so twice.
        fn present<'de, D: serde::Deserializer<'de>>(
            value: D,
        ) -> Result<Option<&'de RawValue>, D::Error> {
            <&RawValue>::deserialize(value).map(Some)
        }

        if self.is_cut {
            return None;
        }
        let items = self.list()?;
        let items = items.get();
        let text = response.get();
        let whole = match serde_json::from_str::<Outputs<'_>>(text).ok()?.output {
            Some(output) if is_empty(output) => {
                let begin = output
                    .get()
                    .as_ptr()
                    .addr()
                    .checked_sub(text.as_ptr().addr())?;
                let (before, after) = text.split_at_checked(begin)?;
                [before, items, after.get(output.get().len()..)?].concat()
            }
            Some(_) => return None,
            None => [r#"{"output":"#, items, ",", text.strip_prefix('{')?].concat(),
        };
        RawValue::from_string(whole).ok()
    }
}

fn is_empty(output: &RawValue) -> bool {
    let text = output.get();
    let inside = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    text == "null" || inside.is_some_and(|inside| inside.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn item(output: &mut Output, item: &str) {
        let event = format!(r#"{{"type":"response.output_item.done","item":{item}}}"#);
        assert_eq!(output.see(event.as_bytes()), None);
    }

    #[test]
    fn the_last_event_has_the_output() {
        for (response, is_changed) in [
            (r#"{"id":"r","output":[],"usage":{"a":1}}"#, true),
            (r#"{"id":"r","output" : [ ] }"#, true),
            (r#"{"id":"r","output":null}"#, true),
            (r#"{"id":"r"}"#, true),
            (r#"{"output":[7]}"#, false),
        ] {
            let mut output = Output::default();
            item(&mut output, r#"{"id":1}"#);
            item(&mut output, r#"{"id":2}"#);
            let last = format!(r#"{{"type":"response.completed","response":{response},"n":3}}"#);
            let changed = output.see(last.as_bytes());
            assert_eq!(changed.is_some(), is_changed, "{response}");
            let end = output.end.unwrap();
            assert_eq!(end.kind, EndKind::Completed);
            let whole: Value = serde_json::from_str(end.response.get()).unwrap();
            if let Some(changed) = changed {
                let changed: Value = serde_json::from_slice(&changed).unwrap();
                assert_eq!(changed["response"], whole);
                assert_eq!(changed["n"], 3);
                assert_eq!(whole["output"][1]["id"], 2);
                assert_eq!(whole["id"], "r");
            } else {
                assert_eq!(whole["output"][0], 7);
            }
        }
    }

    #[test]
    fn an_answer_without_output_is_left_as_it_is() {
        let mut output = Output::default();
        let last = br#"{"type":"response.incomplete","response":{"output":[]}}"#;
        assert_eq!(output.see(last), None);
        assert_eq!(output.end.unwrap().kind, EndKind::Incomplete);
        for other in [
            &b"not JSON"[..],
            b"{}",
            b"[]",
            br#"{"type":7}"#,
            br#"{"type":"x"}"#,
        ] {
            assert_eq!(Output::default().see(other), None);
        }
    }

    #[test]
    fn an_output_takes_what_it_stores_from_the_room_and_gives_it_back() {
        let (part, beside) = Part::pair(64 * 1024);
        let text = |length| format!("\"{}\"", "x".repeat(length));
        let mut one = Output::in_room(part);
        item(&mut one, &text(50_000));
        assert!(!one.is_cut);
        let mut other = Output::in_room(beside);
        item(&mut other, &text(50_000));
        assert!(other.is_cut && other.had_no_room && other.list().is_none());
        let last = br#"{"type":"response.completed","response":{"output":[]}}"#;
        assert_eq!(one.see(last), None, "there is no room for the copies");
        assert!(one.had_no_room && one.end.is_some());
        // The room of one is free for the other.
        drop(one);
        let room = other.room.take();
        let mut next = Output::in_room(room.unwrap());
        item(&mut next, &text(5_000));
        assert!(next.see(last).is_some() && !next.is_cut);
    }

    #[test]
    fn an_output_has_a_limit() {
        let mut output = Output::default();
        let long = format!("\"{}\"", "x".repeat(MAX_OUTPUT / 2));
        item(&mut output, &long);
        assert!(!output.is_cut);
        item(&mut output, &long);
        assert!(output.is_cut && output.list().unwrap().get().len() == long.len() + 2);
        let last = br#"{"type":"response.completed","response":{"output":[]}}"#;
        assert_eq!(output.see(last), None, "it would not be the whole output");
    }
}
