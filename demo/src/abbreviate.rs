//! Abbreviated JSON for display: on one line, short, and without tokens.

use std::borrow::Cow;

use serde_json::Value;

use super::json::Json;
use super::tokens::Tokens;

/// The length from which a text is abbreviated.
const LONG: usize = 40;

/// What is omitted, in ascending order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Omit {
    Nothing,
    /// Members without a value.
    Empty,
    /// Also generated ids, times, and the ends of long texts.
    Details,
    /// Also members without a token.
    AllButTokens,
}

impl Json {
    /// Formats the value on one line, in at most `room` characters if omitting unimportant parts
    /// suffices. An ellipsis marks omissions. If it is still too long, a token is shown first
    /// before the line is cut.
    pub(super) fn abbreviated(&self, room: usize, tokens: &Tokens) -> String {
        let written = |omit| {
            let mut line = String::new();
            self.write(omit, tokens, &mut line);
            line
        };
        let fits = |line: &String| line.chars().count() <= room;
        let stages = [Omit::Nothing, Omit::Empty, Omit::Details].map(written);
        if let Some(line) = stages.iter().find(|line| fits(line)) {
            return line.clone();
        }
        let [.., last] = stages;
        let token_ends = last.chars().position(|character| character == '›');
        if token_ends.is_some_and(|end| end >= room) {
            written(Omit::AllButTokens)
        } else {
            last
        }
    }

    fn write(&self, omit: Omit, tokens: &Tokens, line: &mut String) {
        match self {
            Self::Plain(text) => line.push_str(text),
            Self::Text(text) => {
                let name = tokens.redacted(text, omit == Omit::AllButTokens);
                let shown = name.unwrap_or_else(|| match omit {
                    Omit::Nothing | Omit::Empty => quoted(text),
                    Omit::Details | Omit::AllButTokens => quoted(&shortened(text)),
                });
                line.push_str(&shown);
            }
            Self::List(items) => {
                line.push('[');
                let mut gap = "";
                for item in items {
                    line.push_str(gap);
                    gap = ",";
                    item.write(omit, tokens, line);
                }
                line.push(']');
            }
            Self::Object(members) => {
                line.push('{');
                let (omitted, shown): (Vec<_>, Vec<_>) = members
                    .iter()
                    .partition(|(name, value)| value.omitted(name, omit, tokens));
                let mut gap = "";
                for (name, value) in shown {
                    line.push_str(gap);
                    gap = ",";
                    line.push_str(&quoted(name));
                    line.push(':');
                    value.write(omit, tokens, line);
                }
                if !omitted.is_empty() {
                    line.push_str(gap);
                    line.push('…');
                }
                line.push('}');
            }
        }
    }

    fn omitted(&self, name: &str, omit: Omit, tokens: &Tokens) -> bool {
        let empty = match self {
            Self::Plain(text) => text == "null",
            Self::Text(text) => text.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Object(_) => false,
        };
        let detail = match self {
            Self::Plain(_) => ["At", "Ms"].iter().any(|end| name.ends_with(end)),
            Self::Text(text) => uuid::Uuid::try_parse(text).is_ok(),
            Self::List(_) | Self::Object(_) => false,
        };
        omit >= Omit::Empty && empty
            || omit >= Omit::Details && detail
            || omit >= Omit::AllButTokens && !self.holds_token(tokens)
    }

    fn holds_token(&self, tokens: &Tokens) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Text(text) => tokens.redacted(text, true).is_some(),
            Self::List(items) => items.iter().any(|item| item.holds_token(tokens)),
            Self::Object(members) => members.iter().any(|(_, value)| value.holds_token(tokens)),
        }
    }
}

/// Returns the start of a long text.
fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LONG) {
        Some((end, _)) => Cow::from(text.split_at(end).0.to_owned() + "…"),
        None => Cow::from(text),
    }
}

/// Returns a text as a JSON string.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn abbreviated(text: &str, room: usize) -> String {
        let json: Json = serde_json::from_str(text).unwrap();
        json.abbreviated(room, &Tokens::made_up())
    }

    #[test]
    fn what_fits_is_shown_as_it_is_in_the_order_of_the_wire() {
        let text = r#"{"z":null,"a":[1,-2.5,true,"\n"],"id":{}}"#;
        assert_eq!(abbreviated(text, 80), text);
    }

    #[test]
    fn what_does_not_fit_loses_the_least_interesting_first() {
        let id = "01a20339-8ff4-73a9-a55c-3cd5c222dc12";
        let text = format!(r#"{{"threadId":"{id}","plan":null,"turn":{{"ok":1,"startedAt":1}}}}"#);
        let without_null = text.replace(r#""plan":null,"#, "").replace("}}", "},…}");
        assert_eq!(abbreviated(&text, text.len() - 1), without_null);
        assert_eq!(abbreviated(&text, 60), r#"{"turn":{"ok":1,…},…}"#);
        let account = r#"{"accountId":"workspace-alice","id":{"a":1}}"#;
        assert_eq!(abbreviated(account, 0), account);
    }

    #[test]
    fn a_long_text_loses_its_end() {
        let long = format!(r#"{{"text":"{}"}}"#, "ä".repeat(LONG + 1));
        assert_eq!(abbreviated(&long, 80), long);
        let short = format!(r#"{{"text":"{}…"}}"#, "ä".repeat(LONG));
        assert_eq!(abbreviated(&long, 20), short);
    }

    #[test]
    fn tokens_are_named_and_never_shown() {
        let [token, ..] = Tokens::made_up().alice;
        let shown = abbreviated(&format!(r#"{{"accessToken":"{}"}}"#, token.value), 80);
        assert!(
            shown.starts_with(r#"{"accessToken":‹token of alice, "#),
            "{shown}"
        );
        assert!(!shown.contains("eyJ"));
    }

    #[test]
    fn a_token_is_the_last_to_go() {
        let tokens = Tokens::made_up();
        let token = &tokens.bob[0];
        let text = format!(r#"{{"type":"a","accessToken":"{}","b":1}}"#, token.value);
        let json: Json = serde_json::from_str(&text).unwrap();
        let (name, long) = (token.name(), tokens.redacted(&token.value, false).unwrap());
        let whole = format!(r#"{{"type":"a","accessToken":{long},"b":1}}"#);
        assert_eq!(json.abbreviated(70, &tokens), whole);
        assert_eq!(
            json.abbreviated(62, &tokens),
            whole,
            "it is shown before the cut"
        );
        let short = format!(r#"{{"accessToken":{name},…}}"#);
        assert_eq!(json.abbreviated(50, &tokens), short);
    }
}
