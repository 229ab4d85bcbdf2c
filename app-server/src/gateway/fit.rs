//! Makes a request of the API fit for the ChatGPT backend, which takes fewer members and one form.
//!
//! Each difference is in one row of [`DROPPED`] or one step of [`fit`], and in the tests below. What
//! would change the meaning of a request is left as it is, and the backend refuses it in its own
//! words: `previous_response_id`, `conversation`, `background`, and whatever is not known here.
//!
//! The body is edited in place, since it may have 64 MiB.

use std::ops::Range;

use serde_json::value::RawValue;

use super::members::{Item, Members, each_item, offset};

/// Members that the backend refuses and that only advise it: limits of the answer, sampling, and
/// labels for a log that it does not keep.
const DROPPED: [&str; 12] = [
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "prompt_cache_retention",
    "safety_identifier",
    "stream_options",
    "temperature",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
    "moderation",
];

/// The backend requires instructions.
const INSTRUCTIONS: &str = r#""instructions":"You are a helpful assistant.""#;
/// The backend keeps nothing, and requires that this is said.
const NOT_STORED: &str = r#""store":false"#;
/// The backend only streams.
const STREAMED: &str = r#""stream":true"#;
/// Around the text of an input that is not a list: the backend requires one.
const BEFORE_TEXT: &str =
    r#"[{"type":"message","role":"user","content":[{"type":"input_text","text":"#;
const AFTER_TEXT: &str = "}]}]";
/// The backend refuses system messages; the API takes those of the developer in their place.
const SYSTEM: &str = r#""system""#;
const DEVELOPER: &str = r#""developer""#;
/// Most system messages that are renamed.
const MAX_SYSTEM: usize = 64;

/// Whether the client waits for a whole answer in place of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wants {
    Stream,
    Whole,
}

/// One member of the body.
struct Member<'a> {
    name: &'a str,
    /// From the quotation mark before its name to the end of its value.
    span: Range<usize>,
    value: &'a str,
    raw: &'a RawValue,
}

/// A replacement of some bytes.
struct Edit {
    at: Range<usize>,
    with: &'static str,
}

/// Makes a body fit, and returns what the client waits for. A body that is not a JSON object is left
/// as it is.
pub(super) fn fit(body: &mut Vec<u8>) -> Wants {
    let Some(Plan {
        wants,
        blanks,
        edits,
    }) = plan(body)
    else {
        return Wants::Stream;
    };
    for blank in blanks {
        if let Some(bytes) = body.get_mut(blank) {
            bytes.fill(b' ');
        }
    }
    apply(body, &edits);
    wants
}

/// Makes all edits, none of which is shorter than what it replaces. Each byte is moved once at most,
/// from the last to the first.
fn apply(body: &mut Vec<u8>, edits: &[Edit]) {
    let more = edits.iter().map(|edit| edit.with.len() - edit.at.len());
    let mut end = body.len();
    body.resize(end + more.sum::<usize>(), 0);
    let mut to = body.len();
    for Edit { at, with } in edits.iter().rev() {
        to -= end - at.end;
        body.copy_within(at.end..end, to);
        end = at.start;
        let place = to - with.len()..to;
        to = place.start;
        if let Some(place) = body.get_mut(place) {
            place.copy_from_slice(with.as_bytes());
        }
    }
}

struct Plan {
    wants: Wants,
    /// What is overwritten with spaces.
    blanks: Vec<Range<usize>>,
    /// In their order.
    edits: Vec<Edit>,
}

fn plan(body: &[u8]) -> Option<Plan> {
    let text = std::str::from_utf8(body).ok()?;
    let members = members(text)?;
    let value = |name: &str| {
        members
            .iter()
            .find(|member| member.name == name)
            .map(|it| it.value)
    };
    let wants = match value("stream") {
        Some("true") => Wants::Stream,
        _ => Wants::Whole,
    };
    let has_instructions = value("instructions").is_some_and(|it| !["null", r#""""#].contains(&it));
    let is_kept = |member: &Member<'_>| match member.name {
        "stream" => member.value == "true",
        "store" => member.value == "false",
        "instructions" => has_instructions,
        name => !DROPPED.contains(&name),
    };
    let kept: Vec<_> = members.iter().map(is_kept).collect();

    let start = text.find('{')? + 1;
    let mut edits = Vec::new();
    let mut add = |with: &'static str| {
        edits.push(Edit {
            at: start..start,
            with,
        })
    };
    let mut is_first = true;
    for (missing, member) in [
        (value("store") != Some("false"), NOT_STORED),
        (wants == Wants::Whole, STREAMED),
        (!has_instructions, INSTRUCTIONS),
    ] {
        if missing {
            if !is_first {
                add(",");
            }
            add(member);
            is_first = false;
        }
    }
    if !is_first && kept.contains(&true) {
        add(",");
    }
    if let Some(input) = members.iter().find(|member| member.name == "input") {
        let end = input.span.end;
        let begin = end - input.value.len();
        if input.value.starts_with('"') {
            edits.push(Edit {
                at: begin..begin,
                with: BEFORE_TEXT,
            });
            edits.push(Edit {
                at: end..end,
                with: AFTER_TEXT,
            });
        } else {
            edits.extend(system_roles(text, input.raw));
        }
    }
    Some(Plan {
        wants,
        blanks: blanks(&members, &kept),
        edits,
    })
}

/// Returns what to overwrite so that only the members that are kept are left, with one comma between
/// two.
fn blanks(members: &[Member<'_>], kept: &[bool]) -> Vec<Range<usize>> {
    let last_kept = kept.iter().rposition(|is_kept| *is_kept);
    let mut blanks = Vec::new();
    for (number, (member, is_kept)) in members.iter().zip(kept).enumerate() {
        let next = members.get(number + 1).map(|next| next.span.start);
        if !is_kept {
            blanks.push(member.span.start..next.unwrap_or(member.span.end));
        } else if let Some(next) = next.filter(|_| last_kept == Some(number)) {
            // No member follows its comma.
            blanks.push(member.span.end..next);
        }
    }
    blanks
}

/// Renames the role of system messages in a list of items.
fn system_roles(text: &str, input: &RawValue) -> Vec<Edit> {
    let mut edits = Vec::new();
    each_item(input, |item| {
        let role = Item::of(item).and_then(|item| item.role);
        let role = role.map_or("", RawValue::get);
        if role == SYSTEM
            && edits.len() < MAX_SYSTEM
            && let Some(at) = offset(text, role)
        {
            edits.push(Edit {
                at: at..at + SYSTEM.len(),
                with: DEVELOPER,
            });
        }
    });
    edits
}

/// Returns the members of an object, in their order; `None` if it is none, or has a name with an
/// escape, which cannot be found in the text.
fn members(text: &str) -> Option<Vec<Member<'_>>> {
    let found = Members::of(text)?.0;
    let member = |(name, value): (&'_ str, &'_ RawValue)| {
        let (start, value) = (offset(text, name)?.checked_sub(1)?, value.get());
        let end = offset(text, value)? + value.len();
        Some((start, end))
    };
    let spans: Option<Vec<_>> = found.iter().copied().map(member).collect();
    let spans = spans?.into_iter().map(|(start, end)| start..end);
    let members = found.into_iter().zip(spans);
    Some(
        members
            .map(|((name, value), span)| Member {
                name,
                span,
                value: value.get(),
                raw: value,
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn fitted(body: &str) -> (Wants, Value) {
        let mut bytes = body.as_bytes().to_vec();
        let wants = fit(&mut bytes);
        let text = String::from_utf8(bytes).unwrap();
        let value = serde_json::from_str(&text);
        (
            wants,
            value.unwrap_or_else(|error| panic!("{error}: {text}")),
        )
    }

    const LIST: &str = r#"[{"role":"user","content":"Hi"}]"#;

    #[test]
    fn what_fits_is_not_touched() {
        let body = format!(
            r#" {{ "model" : "m", "stream":true,"store":false ,"instructions":"x","input":{LIST}, "tools":[]}} "#
        );
        let mut bytes = body.clone().into_bytes();
        assert_eq!(fit(&mut bytes), Wants::Stream);
        assert_eq!(String::from_utf8(bytes).unwrap(), body);
    }

    #[test]
    fn what_is_missing_is_added() {
        let (wants, value) = fitted(&format!(r#"{{"model":"m","input":{LIST}}}"#));
        assert_eq!(wants, Wants::Whole);
        let expected = json!({
            "store": false, "stream": true, "instructions": "You are a helpful assistant.",
            "model": "m", "input": [{"role": "user", "content": "Hi"}],
        });
        assert_eq!(value, expected);
        let (wants, value) = fitted("{}");
        assert_eq!((wants, value.as_object().unwrap().len()), (Wants::Whole, 3));
    }

    #[test]
    fn what_says_something_else_is_replaced() {
        let body = r#"{"store":true,"stream":false,"instructions":null,"model":"m"}"#;
        let (wants, value) = fitted(body);
        assert_eq!(wants, Wants::Whole);
        assert_eq!(
            (&value["store"], &value["stream"]),
            (&json!(false), &json!(true))
        );
        assert_eq!(value["instructions"], "You are a helpful assistant.");
        let (_, value) = fitted(r#"{"instructions":"","store":false,"stream":true}"#);
        assert_eq!(value["instructions"], "You are a helpful assistant.");
    }

    /// Each of them alone, at the beginning, in the middle and at the end.
    #[test]
    fn each_member_that_is_refused_is_dropped() {
        for name in DROPPED {
            let fit = r#""store":false,"stream":true,"instructions":"x""#;
            for body in [
                format!(r#"{{"{name}":[1,{{"a":2}}] , {fit}}}"#),
                format!(r#"{{{fit},"{name}": 7 }}"#),
                format!(r#"{{"model":"m","{name}":null,{fit},"{name}":"x"}}"#),
                format!(r#"{{"{name}":1,"{name}":2}}"#),
            ] {
                let (_, value) = fitted(&body);
                assert!(value.get(name).is_none(), "{body} -> {value}");
                assert_eq!(value["store"], false, "{body}");
            }
        }
    }

    #[test]
    fn an_input_that_is_a_text_becomes_a_list() {
        let (_, value) = fitted(r#"{"input": "Say \"hi\", ü" ,"model":"m"}"#);
        let text = &value["input"][0]["content"][0];
        assert_eq!(
            *text,
            json!({"type": "input_text", "text": "Say \"hi\", ü"})
        );
        assert_eq!(value["input"][0]["role"], "user");
    }

    #[test]
    fn system_messages_become_those_of_the_developer() {
        let body = r#"{"input":[{"role":"system","content":"system"},{"content":"\"role\":\"system\"","role": "system"},{"role":"user","content":"system"},7]}"#;
        let (_, value) = fitted(body);
        let roles: Vec<_> = [0, 1, 2]
            .iter()
            .map(|at| value["input"][at]["role"].clone())
            .collect();
        assert_eq!(roles, ["developer", "developer", "user"]);
        assert_eq!(value["input"][0]["content"], "system");
        assert_eq!(value["input"][1]["content"], r#""role":"system""#);
    }

    #[test]
    fn only_so_many_system_messages_are_renamed() {
        let messages = vec![r#"{"role":"system"}"#; MAX_SYSTEM + 1].join(",");
        let (_, value) = fitted(&format!(
            r#"{{"user":"x","input":[{messages}],"model":"m"}}"#
        ));
        let roles = value["input"].as_array().unwrap().iter();
        let roles: Vec<_> = roles.map(|item| item["role"].as_str().unwrap()).collect();
        assert!(roles[..MAX_SYSTEM].iter().all(|role| *role == "developer"));
        assert_eq!(
            (roles[MAX_SYSTEM], &value["model"]),
            ("system", &json!("m"))
        );
    }

    #[test]
    fn what_has_too_many_members_is_left() {
        let body = format!(r#"{{"store":true{}}}"#, r#","a":0"#.repeat(1000));
        let mut bytes = body.clone().into_bytes();
        assert_eq!(fit(&mut bytes), Wants::Stream);
        assert_eq!(bytes, body.as_bytes());
    }

    #[test]
    fn what_would_change_the_meaning_is_left() {
        for name in [
            "previous_response_id",
            "conversation",
            "background",
            "unheard_of",
        ] {
            let (_, value) = fitted(&format!(r#"{{"{name}":"x"}}"#));
            assert_eq!(value[name], "x");
        }
        for body in ["[1]", "7", "not JSON", "", r#"{"st\u006fre":true}"#, "{"] {
            let mut bytes = body.as_bytes().to_vec();
            assert_eq!(fit(&mut bytes), Wants::Stream);
            assert_eq!(bytes, body.as_bytes());
        }
    }
}
