//! Parses the fields of a request in any format.

use serde_json::Value;
use url::form_urlencoded;

/// Returns the members of a JSON body, or the fields of a form.
pub fn fields(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| pairs(body))
}

/// Returns the fields of a form or a query. Of duplicates, the last counts.
pub(super) fn pairs(text: &[u8]) -> Value {
    form_urlencoded::parse(text)
        .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())))
        .collect()
}

/// Returns one of them as text; empty if it is absent.
pub(super) fn text<'a>(fields: &'a Value, name: &str) -> &'a str {
    fields.get(name).and_then(Value::as_str).unwrap_or_default()
}
