//! Patterns of messages: JSON with `…` for anything and `$name` for a value that is bound where it
//! first appears.

use serde_json::Value;

use super::fill::{Names, as_text, is_name, split_name};

/// Precedes a marker in the JSON form of a pattern; no real text contains it.
const MARK: char = '\u{1}';

/// The pattern of a message.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    Anything,
    Name(String),
    Text(String),
    Exactly(Value),
    List(Vec<Self>, Rest),
    Object(Vec<(String, Self)>, Rest),
}

/// Whether further elements or members may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    None,
    Any,
}

impl Pattern {
    /// Parses a pattern.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let value = serde_json::from_str(&to_json(text));
        Ok(Self::of(value.map_err(|error| {
            format!("the pattern is not JSON: {error}")
        })?))
    }

    fn of(value: Value) -> Self {
        match value {
            Value::String(text) => match text.strip_prefix(MARK) {
                Some("…") => Self::Anything,
                Some(name) => Self::Name(name.to_owned()),
                None => Self::Text(text),
            },
            Value::Array(elements) => {
                let mut elements: Vec<_> = elements.into_iter().map(Self::of).collect();
                let rest = match elements.last() {
                    Some(Self::Anything) => Rest::Any,
                    _ => Rest::None,
                };
                if rest == Rest::Any {
                    elements.pop();
                }
                Self::List(elements, rest)
            }
            Value::Object(members) => {
                let any = format!("{MARK}…");
                let rest = if members.contains_key(&any) {
                    Rest::Any
                } else {
                    Rest::None
                };
                let members = members.into_iter().filter(|(name, _)| *name != any);
                Self::Object(
                    members
                        .map(|(name, value)| (name, Self::of(value)))
                        .collect(),
                    rest,
                )
            }
            other => Self::Exactly(other),
        }
    }

    /// Matches a value; binds new names.
    ///
    /// # Errors
    ///
    /// The place and the reason of a mismatch.
    pub(super) fn check(&self, value: &Value, names: &mut Names) -> Result<(), String> {
        let mut new = names.clone();
        self.compare(value, &mut new, "")?;
        *names = new;
        Ok(())
    }

    fn compare(&self, value: &Value, names: &mut Names, path: &str) -> Result<(), String> {
        let differs = |expected: &dyn std::fmt::Display| {
            let place = if path.is_empty() { "the message" } else { path };
            Err(format!("{place}: expected {expected}, got {value}"))
        };
        match self {
            Self::Anything => Ok(()),
            Self::Exactly(expected) if expected == value => Ok(()),
            Self::Exactly(expected) => differs(expected),
            Self::Name(name) => match names.get(name) {
                Some(bound) if bound == value => Ok(()),
                Some(bound) => differs(&format!("{bound} (${name})")),
                None => {
                    names.insert(name.clone(), value.clone());
                    Ok(())
                }
            },
            Self::Text(text) => {
                let expected = fill_text(text, names);
                match value {
                    Value::String(got) if is_like(got, &expected) => Ok(()),
                    _ => differs(&format!("{expected:?}")),
                }
            }
            Self::List(elements, rest) => {
                let Value::Array(got) = value else {
                    return differs(&"an array");
                };
                let enough = elements.len() == got.len()
                    || (*rest == Rest::Any && elements.len() < got.len());
                if !enough {
                    return differs(&format!("{} elements", elements.len()));
                }
                for (index, (element, got)) in elements.iter().zip(got).enumerate() {
                    element.compare(got, names, &format!("{path}[{index}]"))?;
                }
                Ok(())
            }
            Self::Object(members, rest) => {
                let Value::Object(got) = value else {
                    return differs(&"an object");
                };
                for (name, member) in members {
                    let Some(got) = got.get(name) else {
                        return differs(&format!("a member `{name}`"));
                    };
                    member.compare(got, names, &format!("{path}.{name}"))?;
                }
                let unexpected = |name: &&String| !members.iter().any(|(known, _)| known == *name);
                match got.keys().find(unexpected) {
                    Some(name) if *rest == Rest::None => differs(&format!("no member `{name}`")),
                    _ => Ok(()),
                }
            }
        }
    }
}

/// Returns whether the text matches one in which `…` stands for any text.
fn is_like(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('…');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
    }
    true
}

fn fill_text(text: &str, names: &Names) -> String {
    let mut parts = text.split('$');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, after) = split_name(part);
        match names.get(name) {
            Some(value) => filled.push_str(&as_text(value)),
            None => {
                filled.push('$');
                filled.push_str(name);
            }
        }
        filled.push_str(after);
    }
    filled
}

/// Marks `…` and `$name` outside strings, so that the rest is JSON.
fn to_json(text: &str) -> String {
    let mut json = String::new();
    let (mut open, mut in_string, mut before) = (Vec::new(), false, ' ');
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if in_string {
            json.push(character);
            match character {
                '\\' => json.extend(characters.next()),
                '"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match character {
            '"' => in_string = true,
            '{' | '[' => open.push(character),
            '}' | ']' => drop(open.pop()),
            _ => {}
        }
        match character {
            '$' => {
                json.push_str("\"\\u0001");
                while let Some(part) = characters.next_if(|next| is_name(*next)) {
                    json.push(part);
                }
                json.push('"');
            }
            '…' if open.last() == Some(&'{') && before != ':' => {
                json.push_str("\"\\u0001…\":null");
            }
            '…' => json.push_str("\"\\u0001…\""),
            _ => json.push(character),
        }
        if !character.is_whitespace() {
            before = character;
        }
    }
    json
}

#[cfg(test)]
mod tests {
    use super::{Names, Pattern};
    use serde_json::{Value, json};

    fn check(pattern: &str, value: &Value) -> Result<Names, String> {
        let mut names = Names::new();
        Pattern::parse(pattern)?.check(value, &mut names)?;
        Ok(names)
    }

    #[test]
    fn a_pattern_without_marks_is_exact() {
        assert!(check(r#"{"a":[1,"x",null]}"#, &json!({"a": [1, "x", null]})).is_ok());
        for other in [
            json!({"a": [1, "x"]}),
            json!({"a": [1, "x", null], "b": 1}),
            json!({}),
        ] {
            assert!(check(r#"{"a":[1,"x",null]}"#, &other).is_err(), "{other}");
        }
        assert!(check("1", &json!("1")).is_err());
    }

    #[test]
    fn dots_are_anything_members_elements_and_text() {
        let value = json!({"a": {"b": 1, "c": [1, 2]}, "d": "turn 5 of 6"});
        for pattern in [
            "…",
            r#"{"a":…,…}"#,
            r#"{"d":"turn … of …", …}"#,
            r#"{…, "a":{…}, "d":"…6"}"#,
            r#"{"a":{"b":1,"c":[1,…]},"d":"turn 5 of 6"}"#,
        ] {
            assert_eq!(check(pattern, &value).err(), None, "{pattern}");
        }
        for pattern in [
            r#"{"d":"turn …"}"#,
            r#"{"d":"… of 7",…}"#,
            r#"{"a":{"c":[2,…],…},…}"#,
        ] {
            assert!(check(pattern, &value).is_err(), "{pattern}");
        }
    }

    #[test]
    fn a_name_is_bound_once() {
        let names = check(r#"{"a":$x,"b":$x}"#, &json!({"a": 1, "b": 1})).unwrap();
        assert_eq!(names["x"], 1);
        assert!(check(r#"{"a":$x,"b":$x}"#, &json!({"a": 1, "b": 2})).is_err());
        assert!(check(r#"{"a":$x,"b":"<$x>"}"#, &json!({"a": "y", "b": "<y>"})).is_ok());
    }

    #[test]
    fn the_place_of_a_difference_is_named() {
        let problem = check(r#"{"a":{"b":[1,2]}}"#, &json!({"a": {"b": [1, 3]}})).unwrap_err();
        assert_eq!(problem, ".a.b[1]: expected 2, got 3");
    }
}
