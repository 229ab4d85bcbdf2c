//! Detects text that looks like a secret.

/// Shortest run of token characters that counts as a secret without a known prefix.
const LONG_RUN: usize = 80;
/// Shortest run that counts as a secret because of its prefix.
const SHORT_RUN: usize = 16;
/// Prefixes of JSON Web Tokens, API keys and personal access tokens.
const BEGINNINGS: [&str; 3] = ["eyJ", "sk-", "at-"];
/// Prefixes of refresh tokens and authorization codes, at the start of a word only.
const WORD_BEGINNINGS: [&str; 4] = ["rt_", "rt-", "rt.", "ac_"];
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
