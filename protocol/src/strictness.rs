//! Checks that `serde_json` omits in skipped values.
//!
//! A skipped value is not checked for the nesting limit, and its escapes are not checked for lone
//! surrogates. Both could break a later reader of the value.

use crate::scan::find_either;

/// Deepest nesting of arrays and objects in a message, `serde_json`'s own limit.
const MAX_DEPTH: usize = 128;

/// Returns whether the text, known to be otherwise valid JSON, respects the nesting limit and has
/// no lone surrogate.
pub(crate) fn is_strict(text: &str) -> bool {
    let bytes = text.as_bytes();
    // Nesting needs brackets on both sides; most messages are too short to exceed the limit.
    let may_be_deep = bytes.len() > 2 * MAX_DEPTH;
    if !may_be_deep && !bytes.contains(&b'\\') {
        return true;
    }
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return false;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => match end_of_string(bytes, at) {
                Some(end) => at = end,
                None => return false,
            },
            _ => {}
        }
    }
    true
}

/// Returns the end of the string that has begun before this place; `None` if it has a lone
/// surrogate.
fn end_of_string(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        // Most of a long message is strings, and most characters of a string are neither of the
        // two.
        at += find_either(b'"', b'\\', bytes.get(at..)?)?;
        if bytes.get(at) == Some(&b'"') {
            return Some(at + 1);
        }
        at += 2;
        if bytes.get(at - 1) == Some(&b'u') {
            at = after_code_point(bytes, at)?;
        }
    }
}

/// Returns the end of the code point that these four digits begin: a high surrogate needs a low one
/// behind it.
fn after_code_point(bytes: &[u8], at: usize) -> Option<usize> {
    match code_unit(bytes, at)? {
        0xD800..=0xDBFF => {
            let low = bytes.get(at + 4..at + 6) == Some(b"\\u");
            let paired = low && matches!(code_unit(bytes, at + 6), Some(0xDC00..=0xDFFF));
            paired.then_some(at + 10)
        }
        0xDC00..=0xDFFF => None,
        _ => Some(at + 4),
    }
}

fn code_unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = std::str::from_utf8(bytes.get(at..at + 4)?).ok()?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::is_strict;

    #[test]
    fn nesting_is_limited() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(is_strict(&nested(128)));
        assert!(!is_strict(&nested(129)));
        assert!(!is_strict(&nested(100_000)));
        let quoted = format!("[\"{}\"]", "[".repeat(500));
        assert!(is_strict(&quoted));
    }

    #[test]
    fn lone_surrogates_are_found() {
        assert!(is_strict(r#"["\ud83d\ude00 \u0041 \\ud800"]"#));
        for lone in [
            r#"["\ud800"]"#,
            r#"["\ude00"]"#,
            r#"["\ud800A"]"#,
            r#"["\ud800\u0041"]"#,
        ] {
            assert!(!is_strict(lone), "{lone}");
        }
    }
}
