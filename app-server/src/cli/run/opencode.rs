//! opencode is configured without a file, by `OPENCODE_CONFIG_CONTENT`, which it merges over its
//! files. As in those, there may be comments and trailing commas in it (JSONC).

use byokey_app_server::config::{Overrides, model_of_codex};
use serde_json::{Map, Value, json};

use super::recipes::{Prepared, User};

const VARIABLE: &str = "OPENCODE_CONFIG_CONTENT";
/// opencode does not start with such a value either.
const UNREADABLE: &str = "OPENCODE_CONFIG_CONTENT of the environment is not an object of JSON with \
                          comments, so nothing can be added to it; correct it, or unset it";

/// Sets the provider `openai` to the gateway. A model is chosen unless the user's own variable has one:
/// codex's, or the default of the account. `-m` takes precedence over it.
pub(super) fn configure(prepared: &mut Prepared, user: &User<'_>) -> Result<(), &'static str> {
    let own = user.environment.get(VARIABLE).unwrap_or("{}");
    let own = serde_json::from_slice(&without_comments(own));
    let mut content: Map<String, Value> = own.map_err(|_| UNREADABLE)?;
    let announced = user.announced;
    let options = json!({
        "baseURL": format!("{}/v1", announced.url),
        "apiKey": announced.bearer,
    });
    merge(
        &mut content,
        json!({"provider": {"openai": {"options": options}}}),
    );
    if !content.contains_key("model")
        && let Some(model) = model_of_codex(user.environment, &Overrides::default())
            .or_else(|| announced.default_model())
    {
        let name = format!("openai/{model}");
        // opencode's own list may not have it.
        let known = json!({"provider": {"openai": {"models": {model: {}}}}, "model": name});
        merge(&mut content, known);
        content.entry("small_model").or_insert_with(|| name.into());
    }
    let content = Value::Object(content).to_string();
    prepared.environment.push((VARIABLE, content));
    Ok(())
}

/// Returns a text of JSONC as JSON: comments and trailing commas become spaces.
fn without_comments(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    let mut at = 0;
    // The comma after a value, if nothing but spaces and comments followed it; and what preceded.
    let mut comma = None;
    let mut last = b',';
    while let Some(&byte) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        let (length, is_comment) = match rest {
            [b'"', inside @ ..] => (2 + string_length(inside), false),
            [b'/', b'/', ..] => {
                let end = rest.iter().position(|byte| *byte == b'\n');
                (end.unwrap_or(rest.len()), true)
            }
            [b'/', b'*', inside @ ..] => match inside.windows(2).position(|it| it == b"*/") {
                Some(length) => (length + 4, true),
                // It has no end, and is no JSON.
                None => return bytes,
            },
            _ => (1, false),
        };
        let end = (at + length).min(bytes.len());
        if is_comment {
            bytes.get_mut(at..end).unwrap_or_default().fill(b' ');
        } else if !byte.is_ascii_whitespace() {
            if matches!(byte, b']' | b'}')
                && let Some(comma) = comma.and_then(|comma| bytes.get_mut::<usize>(comma))
            {
                *comma = b' ';
            }
            comma = (byte == b',' && !b"[{,:".contains(&last)).then_some(at);
            last = byte;
        }
        at = end;
    }
    bytes
}

/// Returns the length of a string up to its closing quotation mark.
fn string_length(inside: &[u8]) -> usize {
    let mut is_escaped = false;
    let end = inside.iter().position(|byte| {
        let is_end = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        is_end
    });
    end.unwrap_or(inside.len())
}

/// Merges members over others, objects member by member.
fn merge(base: &mut Map<String, Value>, over: Value) {
    let Value::Object(over) = over else { return };
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Object(inner)), value @ Value::Object(_)) => merge(inner, value),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use byokey_app_server::config::Environment;
    use serde_json::{Value, json};

    use super::super::announced::Announced;
    use super::super::recipes::{Prepared, User};
    use super::{VARIABLE, configure};

    fn configured(own: &str) -> Result<Value, &'static str> {
        let mut prepared = Prepared {
            arguments: Vec::new(),
            environment: Vec::new(),
        };
        let user = User {
            announced: &Announced::fake(),
            environment: &Environment::of([(VARIABLE, own)]),
        };
        configure(&mut prepared, &user)?;
        let [(VARIABLE, content)] = prepared.environment.as_slice() else {
            panic!("one variable: {prepared:?}");
        };
        Ok(serde_json::from_str(content).unwrap())
    }

    #[test]
    fn the_users_own_configuration_is_kept() {
        let own = json!({
            "theme": "x", "model": "openai/own",
            "provider": {"other": {"a": 1}, "openai": {"options": {"baseURL": "y", "timeout": 7}}},
        });
        let merged = configured(&own.to_string()).unwrap();
        assert_eq!(merged["theme"], "x");
        assert_eq!(merged["model"], "openai/own");
        assert_eq!(merged["provider"]["other"], json!({"a": 1}));
        assert_eq!(
            merged["provider"]["openai"]["options"],
            json!({"baseURL": "http://127.0.0.1:8455/v1", "apiKey": "at-made-up", "timeout": 7})
        );
    }

    #[test]
    fn comments_and_trailing_commas_are_read_as_opencode_reads_them() {
        let own = r#"{ // one, "model": "x"
            "model": "openai/own", /* "theme": 7, } */ "theme": "a // b, ] /* c \\\" */",
            "list": [1, 2 , /* last */ ],
        } // the end"#;
        let merged = configured(own).unwrap();
        assert_eq!(merged["model"], "openai/own");
        assert_eq!(merged["theme"], "a // b, ] /* c \\\" */");
        assert_eq!(merged["list"], json!([1, 2]));
        assert!(merged["provider"]["openai"]["options"].is_object());
    }

    #[test]
    fn what_cannot_be_read_is_not_replaced() {
        for own in [
            "not json",
            "[]",
            "7",
            "{",
            "{} /*",
            "{\"a\":,}",
            "{,}",
            "{/}",
            "{\"a",
        ] {
            let problem = configured(own).unwrap_err();
            assert!(problem.contains("OPENCODE_CONFIG_CONTENT"), "{own}");
        }
    }
}
