//! Names in transcripts: their values, and their substitution.

use std::collections::BTreeMap;

use byokey_dev_backend::jwt;
use serde_json::{Value, json};

/// The values of names.
pub(super) type Names = BTreeMap<String, Value>;

/// Substitutes names: as JSON where the name is a value, as text inside a string. An unknown name
/// inside a string is plain text.
///
/// # Errors
///
/// The unknown name.
pub(super) fn fill(text: &str, names: &Names) -> Result<String, String> {
    let mut filled = String::new();
    let mut in_string = false;
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let (this, next) = rest.split_at(character.len_utf8());
        rest = next;
        match character {
            '\\' if in_string => {
                let escaped = rest.chars().next().map_or(0, char::len_utf8);
                let (escaped, after) = rest.split_at(escaped);
                filled.push_str(this);
                filled.push_str(escaped);
                rest = after;
            }
            '"' => {
                in_string = !in_string;
                filled.push('"');
            }
            '$' if rest.starts_with(is_name) => {
                let (name, after) = split_name(rest);
                match names.get(name) {
                    Some(value) if in_string => filled.push_str(&as_text(value)),
                    Some(value) => filled.push_str(&value.to_string()),
                    None if in_string => filled.push_str(&format!("${name}")),
                    None => return Err(format!("${name} stands for nothing yet")),
                }
                rest = after;
            }
            _ => filled.push_str(this),
        }
    }
    Ok(filled)
}

/// Returns the text of the value inside a string.
pub(super) fn as_text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

pub(super) const fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

pub(super) fn split_name(text: &str) -> (&str, &str) {
    text.split_at(
        text.find(|character| !is_name(character))
            .unwrap_or(text.len()),
    )
}

/// Evaluates a line `$name = …`: `jwt(…)` or JSON.
///
/// # Errors
///
/// The problem.
pub(super) fn evaluate(text: &str, now: i64, names: &Names) -> Result<Value, String> {
    match text
        .strip_prefix("jwt(")
        .and_then(|text| text.strip_suffix(')'))
    {
        Some(claims) => token(claims, now),
        None => serde_json::from_str(&fill(text, names)?).map_err(|error| error.to_string()),
    }
}

/// A fake token: `email=…, plan=…, account=…, fedramp=…, exp=+seconds`.
fn token(claims: &str, now: i64) -> Result<Value, String> {
    let mut all = json!({});
    let mut auth = json!({});
    for claim in claims
        .split(',')
        .map(str::trim)
        .filter(|claim| !claim.is_empty())
    {
        let (name, value) = claim.split_once('=').ok_or("a claim is name=value")?;
        match name {
            "email" => all["email"] = value.into(),
            "profileEmail" => all["https://api.openai.com/profile"] = json!({"email": value}),
            "plan" => auth["chatgpt_plan_type"] = value.into(),
            "account" => auth["chatgpt_account_id"] = value.into(),
            "fedramp" => auth["chatgpt_account_is_fedramp"] = (value == "true").into(),
            "exp" => {
                let seconds: i64 = value.parse().map_err(|_| "exp is a number of seconds")?;
                all["exp"] = (now + seconds).into();
            }
            other => return Err(format!("no such claim: {other}")),
        }
    }
    all["https://api.openai.com/auth"] = auth;
    Ok(jwt::unsigned(&all, "a-transcript").into())
}

#[cfg(test)]
mod tests {
    use super::{Names, evaluate, fill};
    use serde_json::json;

    #[test]
    fn a_name_is_json_alone_and_text_in_a_string() {
        let names = Names::from([("t".to_owned(), json!("x")), ("n".to_owned(), json!(7))]);
        let filled = fill(
            r#"{"a":$t,"b":"Bearer $t","c":$n,"d":"$/x $unknown \" $n"}"#,
            &names,
        );
        let expected = r#"{"a":"x","b":"Bearer x","c":7,"d":"$/x $unknown \" 7"}"#;
        assert_eq!(filled.as_deref(), Ok(expected));
        assert!(fill("{\"a\":$unknown}", &names).is_err());
    }

    #[test]
    fn a_token_has_its_claims() {
        let token = evaluate("jwt(email=a@example.com, exp=+60)", 1000, &Names::new()).unwrap();
        assert_eq!(token.as_str().unwrap().split('.').count(), 3);
        assert!(evaluate("jwt(colour=red)", 0, &Names::new()).is_err());
    }
}
