//! Detects text that looks like a secret.

/// Shortest run of token characters that counts as a secret without a known prefix.
const LONG_RUN: usize = 80;
/// Shortest run that counts as a secret because of its prefix.
const SHORT_RUN: usize = 16;
/// Prefixes of JSON Web Tokens, API keys and personal access tokens.
const BEGINNINGS: [&str; 3] = ["eyJ", "sk-", "at-"];
/// Prefixes of refresh tokens, authorization codes and sessions, at the start of a word only.
///
/// `clients/suite/redaction.json` has a token of each kind, for this program and its clients.
const WORD_BEGINNINGS: [&str; 5] = ["rt_", "rt-", "rt.", "ac_", "sess-"];
/// Words of header lines, in lower case, that precede a secret.
const HEADERS: [&str; 4] = ["bearer ", "basic ", "cookie:", "cookie="];
/// Secret parameters of URLs: above all those of a pending login.
const PARAMETERS: [&str; 10] = [
    "access_token",
    "code",
    "code_challenge",
    "code_verifier",
    "id_token",
    "nonce",
    "refresh_token",
    "state",
    "token",
    "user_code",
];

/// Returns whether a text contains a possible token, cookie or bearer.
pub(crate) fn looks_secret(text: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-_.~+/=".contains(letter);
    let mut runs = text.split(|letter| !is_letter(letter));
    runs.any(|run| run.len() >= LONG_RUN || (run.len() >= SHORT_RUN && begins_like_one(run)))
        || has_secret_header(text)
}

/// Returns whether a word begins as tokens and keys do.
pub fn starts_like_secret(word: &str) -> bool {
    let mut beginnings = BEGINNINGS.iter().chain(&WORD_BEGINNINGS);
    beginnings.any(|beginning| word.starts_with(beginning))
}

fn begins_like_one(run: &str) -> bool {
    let begins_word = |beginning: &str| {
        run.match_indices(beginning).any(|(at, _)| {
            let before = run.get(..at).and_then(|before| before.chars().next_back());
            before.is_none_or(|letter| !letter.is_ascii_alphanumeric() && letter != '_')
        })
    };
    BEGINNINGS.iter().any(|beginning| run.contains(beginning))
        || WORD_BEGINNINGS
            .iter()
            .any(|beginning| begins_word(beginning))
}

/// Returns whether a text contains a header line with a credential.
fn has_secret_header(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    HEADERS.iter().any(|header| {
        let behind = text.split(header).skip(1);
        let mut words = behind.map(|rest| rest.split_whitespace().next().unwrap_or_default());
        let is_cookie = header.starts_with("cookie");
        words.any(|word| word.len() >= SHORT_RUN || (is_cookie && !word.is_empty()))
    })
}

/// Returns a URL with its secret parameters redacted, if it has any.
pub(super) fn without_secret_parameters(
    text: &str,
    replace: impl Fn(&str) -> String,
) -> Option<String> {
    if !text.contains("://") {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut found) = (text, false);
    while let Some(at) = rest.find(['?', '&', '#']) {
        let (before, behind) = rest.split_at(at + 1);
        out.push_str(before);
        rest = behind;
        let end = rest.find(['&', '#']).unwrap_or(rest.len());
        let (parameter, next) = rest.split_at(end);
        if let Some((name, value)) = parameter.split_once('=')
            && PARAMETERS.iter().any(|it| it.eq_ignore_ascii_case(name))
            && !value.is_empty()
        {
            out.push_str(name);
            out.push('=');
            out.push_str(&replace(value));
            rest = next;
            found = true;
        }
    }
    out.push_str(rest);
    found.then_some(out)
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::Value;

    use super::looks_secret;

    /// Returns a part of the list that every redaction of texts is held to.
    pub(crate) fn shared(part: &str) -> Vec<Value> {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../clients/suite/redaction.json"
        );
        let text = std::fs::read_to_string(path).unwrap();
        let list: Value = serde_json::from_str(&text).unwrap();
        list[part].as_array().unwrap().clone()
    }

    /// Returns each token of that list in each of its texts.
    pub(crate) fn shared_tokens() -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let tokens = shared("tokens").iter().map(text).collect::<Vec<_>>();
        let around = shared("around").iter().map(text).collect::<Vec<_>>();
        let filled = |token: &String| {
            let texts = around.iter().map(|around| around.replace("$token", token));
            texts.map(|text| (token.clone(), text)).collect::<Vec<_>>()
        };
        tokens.iter().flat_map(filled).collect()
    }

    #[test]
    fn what_the_shared_list_hides_looks_secret_and_no_more() {
        for (_, text) in shared_tokens() {
            assert!(looks_secret(&text), "{text}");
        }
        for plain in shared("plain") {
            assert!(!looks_secret(plain.as_str().unwrap()), "{plain}");
        }
    }
}
