//! Rate limits in headers: on 200 and 429, and on no other status.

use hyper::header::{HeaderMap, HeaderName, HeaderValue};

use crate::clock::unix_now;

/// Seconds until the short window resets, and until the long one does.
pub(crate) const RESETS: [u64; 2] = [120, 43_200];

/// Returns one family of headers, `x-<family>-…`, with this much of both windows used.
pub(crate) fn family(family: &str, plan: &str, used: [u64; 2]) -> HeaderMap {
    let now = unix_now();
    let mut headers = HeaderMap::new();
    for (name, used, minutes, reset) in [
        ("primary", used[0], 300, RESETS[0]),
        ("secondary", used[1], 10_080, RESETS[1]),
    ] {
        for (part, value) in [
            ("used-percent", used),
            ("window-minutes", minutes),
            ("reset-after-seconds", reset),
            ("reset-at", now + reset),
        ] {
            insert(
                &mut headers,
                &format!("x-{family}-{name}-{part}"),
                &value.to_string(),
            );
        }
    }
    for (part, value) in [
        ("active-limit", "premium"),
        ("plan-type", plan),
        ("primary-over-secondary-limit-percent", "0"),
        // Booleans are spelled as in Python, and a balance that does not apply is empty.
        ("credits-has-credits", "False"),
        ("credits-unlimited", "False"),
        ("credits-balance", ""),
    ] {
        insert(&mut headers, &format!("x-{family}-{part}"), value);
    }
    headers
}

fn insert(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        headers.insert(name, value);
    }
}
