//! Texts of other programs, made fit to be shown: one line, of bounded length, without secrets.

/// Of a longer text the rest is not shown, in characters.
const MOST_SHOWN: usize = 500;
/// Of a longer text the rest is not looked at, in characters.
const MOST_READ: usize = 4 * MOST_SHOWN;
const REDACTED: &str = "[redacted]";

/// What tokens, keys and codes begin with; clients/suite/redaction.json has one of each.
const PREFIXES: [&str; 8] = ["eyJ", "sk-", "at-", "ac_", "rt-", "rt_", "rt.", "sess-"];
/// Characters after such a prefix that make it a secret.
const MARKED: usize = 12;
/// Any run of so many characters that tokens are made of may be one.
const LONG: usize = 24;

/// Returns a text without what may be a secret.
pub(crate) fn redact(text: &str) -> String {
    let line = beginning(text);
    let line = without_runs(&without_user_info(&without_credentials(line.trim())));
    match line.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}…", line.split_at(end).0),
        None => line,
    }
}

/// Returns the part of a text that is looked at, on one line.
fn beginning(text: &str) -> String {
    let on_one_line = |it: &str| it.replace(char::is_control, " ");
    let Some((end, _)) = text.char_indices().nth(MOST_READ) else {
        return on_one_line(text);
    };
    // The last word may be the beginning of a secret, too short to be recognised as one.
    let read = on_one_line(text.split_at(end).0);
    let words = read.rsplit_once(' ').map_or("", |(words, _)| words);
    format!("{words} …")
}

/// Returns an argument of a program; of a setting only a value that cannot be a secret.
pub(crate) fn redact_argument(argument: &str) -> String {
    let is_key = |it: char| it.is_ascii_alphanumeric() || "_.-".contains(it);
    match argument.split_once('=') {
        Some((key, value)) if !key.is_empty() && key.chars().all(is_key) => {
            let value = if is_plain(value) {
                redact(value)
            } else {
                "…".to_owned()
            };
            format!("{}={value}", redact(key))
        }
        _ => redact(argument),
    }
}

fn is_plain(value: &str) -> bool {
    let address = ["http://", "https://"]
        .iter()
        .find_map(|it| value.strip_prefix(it));
    let is_number = !value.is_empty() && value.bytes().all(|it| it.is_ascii_digit());
    let without_secret =
        |it: &str| !it.contains(|it: char| it.is_whitespace() || "@?#".contains(it));
    matches!(value, "true" | "false") || is_number || address.is_some_and(without_secret)
}

/// Hides what follows the name of a scheme, as in `Bearer …`.
fn without_credentials(line: &str) -> String {
    let mut is_secret = false;
    let words = line.split(' ').map(|word| {
        if word.is_empty() {
            return word;
        }
        let hides = std::mem::replace(&mut is_secret, announces_a_credential(word));
        if hides { REDACTED } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn announces_a_credential(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    let begins_there =
        |before: &str| !before.ends_with(|it: char| it.is_alphanumeric() || it == '_');
    ["bearer", "basic"]
        .iter()
        .any(|scheme| word.strip_suffix(scheme).is_some_and(begins_there))
}

/// Hides name and password in an address.
fn without_user_info(line: &str) -> String {
    let mut parts = line.split("//");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shown.push_str("//");
        let ends = |it: char| it == '/' || it == '@' || it.is_whitespace();
        let (name, rest) = part.split_at(part.find(ends).unwrap_or(part.len()));
        if !name.is_empty() && rest.starts_with('@') {
            shown.push_str(REDACTED);
            shown.push_str(rest);
        } else {
            shown.push_str(part);
        }
    }
    shown
}

/// Hides what looks like a token, but no host names, which are long and harmless.
fn without_runs(line: &str) -> String {
    let ends = |it: char| !(it.is_ascii_alphanumeric() || "_+=~%.-".contains(it));
    let mut shown = String::with_capacity(line.len());
    for piece in line.split_inclusive(ends) {
        let (run, end) = piece.split_at(piece.find(ends).unwrap_or(piece.len()));
        let secret = (0..run.len()).find(|at| is_marked(run, *at));
        let (before, secret) = run.split_at(secret.unwrap_or(run.len()));
        let is_long = before.len() >= LONG && !is_host_name(before);
        shown.push_str(if is_long { REDACTED } else { before });
        if !secret.is_empty() {
            shown.push_str(REDACTED);
        }
        shown.push_str(end);
    }
    shown
}

fn is_marked(run: &str, at: usize) -> bool {
    let (before, rest) = run.split_at(at);
    let is_long = |it: &str| it.len() >= MARKED;
    !before.ends_with(|it: char| it.is_ascii_alphanumeric())
        && PREFIXES
            .iter()
            .any(|prefix| rest.strip_prefix(prefix).is_some_and(is_long))
}

fn is_host_name(run: &str) -> bool {
    let fits = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
    let is_label = |it: &str| (1..=20).contains(&it.len()) && it.bytes().all(fits);
    let name = run.strip_suffix('.').unwrap_or(run);
    name.contains('.') && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{redact, redact_argument};

    #[test]
    fn what_the_shared_list_hides_is_hidden_and_no_more() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../suite/redaction.json");
        let list: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let all = |name: &str| list[name].as_array().unwrap().clone();
        for (token, around) in all("tokens")
            .iter()
            .flat_map(|token| all("around").into_iter().map(move |it| (token, it)))
        {
            let token = token.as_str().unwrap();
            let text = around.as_str().unwrap().replace("$token", token);
            assert!(!redact(&text).contains(token), "{text}");
        }
        for word in all("words") {
            let shown = redact(word["text"].as_str().unwrap());
            assert!(!shown.contains(word["secret"].as_str().unwrap()), "{shown}");
        }
        for plain in all("plain") {
            assert_eq!(redact(plain.as_str().unwrap()), plain.as_str().unwrap());
        }
    }

    #[test]
    fn what_may_be_a_secret_is_redacted() {
        assert_eq!(
            redact("Authorization: Bearer short"),
            "Authorization: Bearer [redacted]"
        );
        assert_eq!(
            redact("https://ada:pass@proxy.test"),
            "https://[redacted]@proxy.test"
        );
        assert_eq!(redact("one\ntwo\u{1b}[31m"), "one two [31m");
        assert_eq!(redact(&"é ".repeat(400)).chars().count(), 501);
    }

    #[test]
    fn a_secret_that_is_cut_is_not_shown() {
        for secret in [
            "sk-made-up-0123456789",
            "https://ada:made-up-password@proxy.test",
        ] {
            let line = format!("{} {secret}", "x".repeat(1_986));
            assert_eq!(redact(&line), "[redacted] …");
        }
        assert_eq!(redact(&"/".repeat(2_001)), "…");
    }

    #[test]
    fn of_settings_only_harmless_values_are_shown() {
        for (argument, shown) in [
            ("-c", "-c"),
            ("x.token=abc", "x.token=…"),
            ("port=80", "port=80"),
            ("url=http://127.0.0.1:1/b", "url=http://127.0.0.1:1/b"),
            ("url=http://ada@127.0.0.1", "url=…"),
        ] {
            assert_eq!(redact_argument(argument), shown);
        }
    }
}
