//! Human-readable JSON: a value that fits is on one line.

use serde_json::Value;

const WIDTH: usize = 96;

/// Writes a value without a trailing line break.
#[must_use]
pub fn write(value: &Value) -> String {
    nested(value, 0)
}

fn nested(value: &Value, depth: usize) -> String {
    let line = on_one_line(value);
    if line.len() + 2 * depth <= WIDTH {
        return line;
    }
    let indent = "  ".repeat(depth + 1);
    let (open, parts, close): (_, Vec<_>, _) = match value {
        Value::Object(members) => {
            let write = |(name, value): (&String, &Value)| {
                format!(
                    "{indent}{}: {}",
                    Value::from(name.as_str()),
                    nested(value, depth + 1)
                )
            };
            ('{', members.iter().map(write).collect(), '}')
        }
        Value::Array(items) => {
            let write = |item| format!("{indent}{}", nested(item, depth + 1));
            ('[', items.iter().map(write).collect(), ']')
        }
        other => return other.to_string(),
    };
    format!(
        "{open}\n{}\n{}{close}",
        parts.join(",\n"),
        "  ".repeat(depth)
    )
}

fn on_one_line(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let write = |(name, value): (&String, &Value)| {
                format!("{}: {}", Value::from(name.as_str()), on_one_line(value))
            };
            format!(
                "{{{}}}",
                members.iter().map(write).collect::<Vec<_>>().join(", ")
            )
        }
        Value::Array(items) => {
            format!(
                "[{}]",
                items.iter().map(on_one_line).collect::<Vec<_>>().join(", ")
            )
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn what_fits_stands_on_one_line() {
        assert_eq!(
            super::write(&json!({"a": [1, null]})),
            r#"{"a": [1, null]}"#
        );
        let long = json!({"a": "x".repeat(90), "b": {}});
        let written = format!("{{\n  \"a\": \"{}\",\n  \"b\": {{}}\n}}", "x".repeat(90));
        assert_eq!(super::write(&long), written);
    }
}
