//! Identifiers: strings of the peer that may appear in texts and headers.

use byokey_protocol::secret::is_visible_ascii;

/// Longest identifier, in characters.
const MAX_LENGTH: usize = 128;
/// Longest bearer. Servers take headers of 8 to 16 KiB.
const MAX_BEARER: usize = 64 * 1024;

/// Returns whether the string may be an account, workspace or login id: 1 to 128 printable ASCII
/// characters, without a space at either end. Such a string is a valid HTTP header value.
#[must_use]
pub fn is_identifier(text: &str) -> bool {
    (1..=MAX_LENGTH).contains(&text.len())
        && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && text.trim() == text
}

/// Returns whether the string can be sent as a bearer: visible ASCII characters only.
#[must_use]
pub fn is_bearer(text: &str) -> bool {
    (1..=MAX_BEARER).contains(&text.len()) && is_visible_ascii(text)
}

/// Returns whether the string can be the value of a header, which `Bearer ` precedes: printable
/// ASCII characters, spaces and tabs.
pub(crate) fn is_header_value(text: &str) -> bool {
    let is_sendable = |byte| matches!(byte, b' '..=b'~' | b'\t');
    (1..=MAX_BEARER).contains(&text.len()) && text.bytes().all(is_sendable)
}

#[cfg(test)]
mod tests {
    use super::{is_bearer, is_identifier};

    #[test]
    fn header_breaking_and_empty_strings_are_no_identifiers() {
        assert!(is_identifier("ws-1"));
        assert!(is_identifier(&"x".repeat(128)));
        for bad in ["", " ", " ws", "ws\r\nX: y", "w\u{e9}", &"x".repeat(129)] {
            assert!(!is_identifier(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_bearer_has_no_white_space() {
        assert!(is_bearer("a.b-c_d"));
        assert!(is_bearer(&"x".repeat(65_536)));
        let late = "x".repeat(200) + "\n";
        for bad in ["", "a b", "a\r\nb", &late, "\u{e9}", &"x".repeat(65_537)] {
            assert!(!is_bearer(bad), "{bad:?}");
        }
    }
}
