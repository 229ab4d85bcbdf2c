//! What a command printed: the token, and what of its standard error may be logged.

use byokey_auth::checked_bearer;
use byokey_protocol::secret::Secret;

use super::failure::Problem;
use crate::process::trace_protocol::looks_secret;

/// What stands for a possible secret in the log.
const REDACTED: &str = "‹redacted›";
/// Shortest run of letters and digits that counts as a secret.
const OPAQUE_RUN: usize = 20;
/// Parts of names whose values are secrets.
const NAMES: [&str; 6] = ["auth", "cookie", "key", "pass", "secret", "token"];

/// Returns the token that was printed, on locked pages.
///
/// # Errors
///
/// [`Problem`] when it cannot be sent.
pub(super) fn token(printed: &[u8]) -> Result<Secret, Problem> {
    let invalid = byokey_auth::InvalidCredential::BearerToken;
    let text = std::str::from_utf8(printed).map_err(|_| Problem::Unusable(invalid))?;
    if text.trim().is_empty() {
        return Err(Problem::Empty);
    }
    checked_bearer(Secret::from(text)).map_err(Problem::Unusable)
}

/// Returns the beginning without its last word, if it was cut at the limit: a piece of a secret
/// cannot be recognised.
pub(super) fn whole_words(errors: &[u8], limit: usize) -> &[u8] {
    if errors.len() < limit {
        return errors;
    }
    let end = errors.iter().rposition(u8::is_ascii_whitespace);
    errors.get(..end.unwrap_or_default()).unwrap_or_default()
}

/// Returns the text for the log: in one line, without what may be a secret.
pub(super) fn for_log(errors: &[u8], printed: &[u8]) -> String {
    let errors = String::from_utf8_lossy(errors);
    let printed = String::from_utf8_lossy(printed);
    let printed: Vec<_> = printed.split_whitespace().collect();
    let (mut hides_next, mut is_after_name) = (false, false);
    let words = errors.split_whitespace().map(|word| {
        // `password = …`
        if ["=", ":"].contains(&word) {
            hides_next |= is_after_name;
            return word.to_owned();
        }
        let is_printed = printed.iter().any(|it| word.contains(it));
        let hides = hides_next || is_printed || shows_secret(word);
        hides_next = ends_with_name(word);
        is_after_name = is_secret_name(word);
        let is_plain = |letter: &char| !letter.is_control();
        if hides {
            REDACTED.to_owned()
        } else {
            word.chars().filter(is_plain).collect()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Returns whether a word may be or contain a secret.
fn shows_secret(word: &str) -> bool {
    let mut runs = word.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    let is_opaque = |run: &str| {
        let has = |is_one: fn(&u8) -> bool| run.bytes().any(|byte| is_one(&byte));
        run.len() >= OPAQUE_RUN && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
    };
    let mut signs = word.match_indices(['=', ':']);
    let has_value = signs.any(|(at, sign)| {
        let (name, value) = (word.get(..at), word.get(at + sign.len()..));
        name.is_some_and(is_secret_name) && value.is_some_and(|value| !value.is_empty())
    });
    // The user and the password of an address.
    let names_user = word.split_once("://").is_some_and(|it| it.1.contains('@'));
    has_value || names_user || looks_secret(word) || runs.any(is_opaque)
}

/// Returns whether the next word is the value of a secret: `Bearer …`, `password: …`, `--token …`.
fn ends_with_name(word: &str) -> bool {
    let name = word.strip_suffix([':', '=']);
    let option = word
        .strip_prefix('-')
        .filter(|option| !option.contains('='));
    name.is_some_and(is_secret_name)
        || option.is_some_and(is_secret_name)
        || ["bearer", "basic"].contains(&word.to_ascii_lowercase().as_str())
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    NAMES.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::{REDACTED, for_log, token, whole_words};
    use crate::process::token_commands::Problem;
    use crate::process::trace_protocol::{shared, shared_tokens};

    #[test]
    fn what_the_shared_list_hides_is_not_logged_and_the_rest_is() {
        for (token, text) in shared_tokens() {
            let logged = for_log(text.as_bytes(), b"");
            assert!(!logged.contains(&token), "{logged}");
        }
        for word in shared("words") {
            let logged = for_log(word["text"].as_str().unwrap().as_bytes(), b"");
            assert!(
                !logged.contains(word["secret"].as_str().unwrap()),
                "{logged}"
            );
        }
        for plain in shared("plain") {
            let plain = plain.as_str().unwrap();
            assert_eq!(for_log(plain.as_bytes(), b""), plain);
        }
    }

    #[test]
    fn white_space_around_the_token_goes() {
        assert_eq!(token(b" made-up \r\n\n").unwrap().len(), "made-up".len());
        assert_eq!(token(b"made up").unwrap().len(), "made up".len());
        for empty in [&b""[..], b"\n", b" \t\r\n"] {
            assert_eq!(token(empty).unwrap_err(), Problem::Empty);
        }
    }

    #[test]
    fn a_word_that_was_cut_is_left_out() {
        assert_eq!(whole_words(b"got made-up", 12), b"got made-up");
        assert_eq!(whole_words(b"got made-up", 11), b"got");
        assert_eq!(whole_words(b"made-up", 7), b"");
    }

    #[test]
    fn what_no_header_can_carry_is_refused_with_its_reason() {
        for (printed, words) in [
            (&b"two\nlines"[..], "no header can carry"),
            (b"not ascii \xc3\xa4", "no header can carry"),
            (b"not utf-8 \xff", "no header can carry"),
            (b"a\0b", "no header can carry"),
            (b"\"made-up\"\n", "in quotes"),
            (b"Bearer made-up\n", "`Bearer` before"),
        ] {
            let problem = token(printed).unwrap_err().to_string();
            assert!(problem.contains(words), "{problem}");
        }
    }

    #[test]
    fn the_log_gets_words_and_no_secrets() {
        let hidden = |text: &str| {
            let logged = for_log(text.as_bytes(), b"made-up\n");
            assert!(logged.contains(REDACTED), "{logged}");
            logged
        };
        assert_eq!(hidden("got made-up."), format!("got {REDACTED}"));
        for text in [
            "password=hunter2 of",
            "Authorization: hunter2 of",
            "Bearer hunter2 of",
            "token: hunter2 of",
            "token = hunter2 of",
            "--token hunter2 of",
            "https://vault/?token=hunter2 of",
            "https://user:hunter2@host of",
            "at hunter2hunter2hunter2 of",
            "key sk-hunter2-made-up-0 of",
        ] {
            let logged = hidden(text);
            assert!(!logged.contains("hunter2"), "{logged}");
            assert!(logged.ends_with(" of"), "{logged}");
        }
        let plain = "vault: connection refused\n\x1b[31mafter 3 attempts\tto /run/vault.sock";
        let expected = "vault: connection refused [31mafter 3 attempts to /run/vault.sock";
        assert_eq!(for_log(plain.as_bytes(), b""), expected);
    }
}
