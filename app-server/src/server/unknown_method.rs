//! The answer to a method that does not exist.

#[cfg(feature = "help")]
use byokey_protocol::methods::ClientRequest;
use byokey_rpc::RequestError;

/// Longest name that is repeated, and longest part of it between slashes, in bytes.
const MAX_NAME: usize = 64;
const MAX_PART: usize = 32;

/// Returns the error. It repeats the method's name only where that has the form of one: the error
/// is logged by hosts, and a name of another form may be anything.
pub(crate) fn unknown_method(method: &str) -> RequestError {
    if is_name(method) {
        RequestError::unknown_method_named(method, meant(method))
    } else {
        RequestError::unknown_method()
    }
}

/// Returns whether this consists of words of letters with slashes between them. Keys and tokens
/// contain digits.
fn is_name(method: &str) -> bool {
    let is_word = |part: &str| {
        (1..=MAX_PART).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    let words = method.strip_prefix("$/").unwrap_or(method);
    method.len() <= MAX_NAME && words.split('/').all(is_word)
}

/// Returns the method whose name differs in a quarter of its letters at most.
#[cfg(feature = "help")]
fn meant(method: &str) -> Option<&'static str> {
    let names = ClientRequest::ALL.iter().map(|known| known.name());
    let distances = names.map(|name| (strsim::osa_distance(method, name), name));
    let (distance, name) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= name.len() / 4).then_some(name)
}

/// The small program makes no suggestions.
#[cfg(not(feature = "help"))]
fn meant(_: &str) -> Option<&'static str> {
    None
}

#[cfg(test)]
mod tests {
    use super::is_name;
    #[cfg(feature = "help")]
    use super::meant;

    #[test]
    fn only_what_has_the_form_of_a_name_is_repeated() {
        for name in [
            "account/Read",
            "$/cancelRequests",
            "shutdown",
            "no/such/method",
        ] {
            assert!(is_name(name), "{name}");
        }
        let long = "a".repeat(33);
        for other in [
            "",
            "/",
            "a//b",
            "sk-made-up",
            "eyJhbGciOi.J9",
            "a b",
            "at/4b1d",
            "ä",
            &long,
        ] {
            assert!(!is_name(other), "{other}");
        }
    }

    #[cfg(feature = "help")]
    #[test]
    fn a_near_method_is_suggested() {
        for (method, near) in [
            ("account/Read", Some("account/read")),
            ("account/rateLimit/read", Some("account/rateLimits/read")),
            ("thread/begin", None),
            ("no/such/method", None),
            ("shutdown", None),
        ] {
            assert_eq!(meant(method), near, "{method}");
        }
    }
}
