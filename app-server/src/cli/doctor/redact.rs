//! Takes out of a report what is not for others: the home folder, addresses of e-mail, and, should a
//! text contain one against all rules, what looks like a token or key.

use byokey_app_server::config::Environment;
use byokey_app_server::process::trace_protocol::starts_like_secret;

use super::finding::word;

/// What stands for an address.
const ADDRESS: &str = "‹e-mail›";
/// What stands for a token or key.
const SECRET: &str = "‹secret›";
/// Shortest token or key, in bytes.
const SHORTEST: usize = 12;

/// What is taken out.
#[derive(Debug, Default)]
pub(super) struct Redactor {
    /// The home folder, as it is and as a word of a shell.
    homes: Vec<String>,
}

impl Redactor {
    pub(super) fn of(environment: &Environment) -> Self {
        let Some(home) = environment.home() else {
            return Self::default();
        };
        let mut homes = vec![home.display().to_string(), word(&home)];
        homes.extend(home.canonicalize().map(|home| home.display().to_string()));
        homes.retain(|home| home.trim_end_matches('/').len() > 1);
        Self { homes }
    }

    /// Returns the text without it.
    pub(super) fn apply(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for home in &self.homes {
            text = without_home(&text, home.trim_end_matches('/'));
        }
        let is_space = |it: char| it.is_whitespace() || "\"'`(),;<>=".contains(it);
        let mut result = String::with_capacity(text.len());
        for part in text.split_inclusive(is_space) {
            let body = part.trim_end_matches(is_space);
            let (shown, rest) = (redacted(body), part.strip_prefix(body));
            result.push_str(shown.unwrap_or(body));
            result.push_str(rest.unwrap_or_default());
        }
        result
    }
}

/// Replaces a folder by `~` where it is not only the beginning of a longer name.
fn without_home(text: &str, home: &str) -> String {
    let mut parts = text.split(home);
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_longer =
            part.starts_with(|next: char| next.is_alphanumeric() || "_-.".contains(next));
        let ends_sentence = part == "." || part.starts_with(". ");
        let is_inside = result.ends_with(|last: char| last.is_alphanumeric() || last == '/');
        result.push_str(if (is_longer && !ends_sentence) || is_inside {
            home
        } else {
            "~"
        });
        result.push_str(part);
    }
    result
}

/// Returns what stands for a word, if it is not for others.
fn redacted(word: &str) -> Option<&'static str> {
    if let Some((user, host)) = word.split_once('@')
        && !user.is_empty()
        && host.contains('.')
    {
        return Some(ADDRESS);
    }
    (starts_like_secret(word) && word.len() >= SHORTEST).then_some(SECRET)
}

#[cfg(test)]
mod tests {
    use byokey_app_server::config::Environment;
    use serde_json::Value;

    use super::Redactor;

    /// The list that every redaction of texts is held to.
    #[test]
    fn what_the_shared_list_hides_is_taken_out_and_the_rest_is_not() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../clients/suite/redaction.json"
        );
        let text = std::fs::read_to_string(path).unwrap();
        let list: Value = serde_json::from_str(&text).unwrap();
        let all = |part: &str| list[part].as_array().unwrap().clone();
        let redactor = Redactor::default();
        for token in all("tokens") {
            let token = token.as_str().unwrap();
            for around in all("around") {
                let text = around.as_str().unwrap().replace("$token", token);
                assert!(!redactor.apply(&text).contains(token), "{text}");
            }
        }
        for plain in all("plain") {
            let plain = plain.as_str().unwrap();
            assert_eq!(redactor.apply(plain), plain);
        }
    }

    #[test]
    fn what_is_not_for_others_is_taken_out() {
        let redactor = Redactor::of(&Environment::of([("HOME", "/home/ada l")]));
        for (text, expected) in [
            ("/home/ada l/.codex is read", "~/.codex is read"),
            ("rm /home/'ada l'/x", "rm ~/x"),
            ("in /home/ada l. It", "in ~. It"),
            ("/home/ada lovelace/x", "/home/ada lovelace/x"),
            ("/mnt/home/ada l/x", "/mnt/home/ada l/x"),
            ("as ada@example.com, plan pro", "as ‹e-mail›, plan pro"),
            ("a key (sk-made-up-key-1)", "a key (‹secret›)"),
            ("--with-api-key and at-made", "--with-api-key and at-made"),
            ("byokey login --store file", "byokey login --store file"),
        ] {
            assert_eq!(redactor.apply(text), expected);
        }
    }

    #[test]
    fn the_root_of_all_folders_is_no_home_to_hide() {
        let redactor = Redactor::of(&Environment::of([("HOME", "/")]));
        assert_eq!(redactor.apply("/etc/ssl"), "/etc/ssl");
    }
}
