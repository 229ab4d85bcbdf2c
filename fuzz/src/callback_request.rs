//! Any bytes at the callback port: only the right request ends the login, and no response contains
//! a secret.

use byokey_auth::login::{Visit, visit};
use byokey_protocol::secret::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::runtime;

use crate::head::Head;

/// The CSRF state of the login. The seeds contain it.
const STATE: &str = "made-up-state-of-the-fuzz-targets";
const PORT: u16 = 1455;
/// The allowed statuses.
const STATUSES: [&str; 7] = ["200", "400", "403", "404", "405", "414", "431"];

/// # Panics
///
/// When another than the right request has a meaning, or a response contains the state.
pub fn callback_request(input: &[u8]) {
    let (meaning, answer) = knock(input);
    let answer = String::from_utf8(answer).expect("the answer is text");
    assert!(!answer.contains(STATE), "{answer}");
    assert!(answer.matches("HTTP/1.").count() <= 1, "{answer}");
    let status = answer.split(' ').nth(1);
    assert!(
        status.is_none_or(|status| STATUSES.contains(&status)),
        "{answer}"
    );
    if let Some(meaning) = meaning {
        let head = String::from_utf8_lossy(input);
        assert!(may_mean(&head, meaning), "{meaning:?}: {head}");
    }
}

/// Returns the meaning of the request, and the response to the browser.
fn knock(input: &[u8]) -> (Option<Visit>, Vec<u8>) {
    // The clock is paused, so that deadlines pass as soon as nothing else happens.
    let runtime = runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        // The whole input fits, so that nothing blocks.
        let (mut client, server) = duplex(input.len().max(64 * 1024));
        client.write_all(input).await.expect("room");
        let meaning = visit(server, PORT, Secret::from(STATE)).await;
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.expect("an end");
        (meaning, answer)
    })
}

/// The rules once more, as simple as possible.
fn may_mean(head: &str, meaning: Visit) -> bool {
    let head = Head::of(head);
    let target = head.first.split(' ').nth(1).unwrap_or_default();
    let is_for_us =
        head.first.starts_with("GET ") && head.values("origin").is_empty() && head.is_for(PORT);
    is_for_us
        && match meaning {
            Visit::Back => target.contains("/auth/callback?") && decoded(target).contains(STATE),
            Visit::Cancel => target.contains("/cancel") && head.values("referer").is_empty(),
        }
}

/// Decodes percent signs.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let hex = behind
            .get(..2)
            .and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match byte.filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{PORT, STATE, Visit, knock, may_mean};

    #[test]
    fn the_rules_tell_what_a_request_may_mean() {
        let head = |target: &str, headers: &str| {
            format!("GET {target} HTTP/1.1\r\nHost: localhost:{PORT}\r\n{headers}\r\n")
        };
        let encoded = STATE.replace('-', "%2D");
        for (head, meaning) in [
            (
                head(&format!("/auth/callback?code=made-up&state={STATE}"), ""),
                Some(Visit::Back),
            ),
            (
                head(&format!("/auth/callback?state={encoded}&error=no"), ""),
                Some(Visit::Back),
            ),
            (head("/auth/callback?code=made-up&state=other", ""), None),
            (
                head(&format!("/auth/callback?state={STATE}"), "Origin: null\r\n"),
                None,
            ),
            (head("/cancel", ""), Some(Visit::Cancel)),
            (head("/cancel", "Referer: http://evil.example/\r\n"), None),
            (head("/success", ""), None),
        ] {
            assert_eq!(knock(head.as_bytes()).0, meaning, "{head}");
            for each in [Visit::Back, Visit::Cancel] {
                assert_eq!(may_mean(&head, each), meaning == Some(each), "{head}");
            }
        }
    }
}
