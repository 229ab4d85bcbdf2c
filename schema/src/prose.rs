//! Wraps paragraphs.

/// Wraps a text with paragraphs separated by empty lines.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut current = String::new();
        for word in line.split(' ') {
            if !current.is_empty() && current.chars().count() + word.chars().count() >= width {
                lines.push(std::mem::take(&mut current));
            }
            if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(word);
        }
        lines.push(current);
    }
    lines
}

/// Returns a `/**` comment, as in TypeScript and Kotlin.
#[must_use]
pub fn block_comment(indent: &str, text: &str) -> String {
    let lines = wrap(text, 96 - indent.len());
    match lines.as_slice() {
        [] => String::new(),
        [one] => format!("{indent}/** {one} */\n"),
        lines => {
            let lines = lines
                .iter()
                .map(|line| format!("{indent} * {line}").trim_end().to_owned());
            let lines: Vec<_> = lines.collect();
            format!("{indent}/**\n{}\n{indent} */\n", lines.join("\n"))
        }
    }
}

/// Adds a sentence to a text, in a paragraph of its own if the text has several.
#[must_use]
pub fn with_note(text: &str, note: &str) -> String {
    let separator = if text.contains("\n\n") { "\n\n" } else { " " };
    format!("{text}{separator}{note}")
}

#[cfg(test)]
mod tests {
    use super::{block_comment, wrap};

    #[test]
    fn paragraphs_stay_and_lines_are_short() {
        assert_eq!(
            wrap("one two three\n\nfour", 8),
            ["one two", "three", "", "four"]
        );
        assert_eq!(block_comment("", "Short."), "/** Short. */\n");
        assert_eq!(
            block_comment(" ", "A.\n\nB."),
            " /**\n  * A.\n  *\n  * B.\n  */\n"
        );
    }
}
