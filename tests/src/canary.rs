//! Canaries: secrets that were sent and must not appear in any output, in any encoding.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::fragments::{PIECE, Pieces};

/// Shortest secret that is searched for: a shorter one could occur by chance.
const SHORTEST: usize = 8;

thread_local! {
    /// Canaries of the test's issuers and of commands that have ended. Each test has its own
    /// thread.
    static OF_THIS_TEST: Arc<Mutex<Known>> = Arc::default();
}

/// The secrets that one program was given, and those of the other parts of its test. Clones share
/// them.
#[derive(Clone, Debug)]
pub struct Canaries {
    own: Arc<Mutex<Known>>,
    of_test: Arc<Mutex<Known>>,
}

/// The pieces of the secrets, in every encoding.
#[derive(Clone, Debug, Default)]
struct Known {
    /// Verbatim, and in base64.
    exact: Pieces,
    /// In hexadecimal and percent encoding, in either case.
    folded: Pieces,
    /// Those shorter than a piece.
    short: Vec<String>,
}

impl Default for Canaries {
    fn default() -> Self {
        Self {
            own: Arc::default(),
            of_test: OF_THIS_TEST.with(Arc::clone),
        }
    }
}

impl Canaries {
    /// Adds the secrets of a host's message: the members that the protocol marks as sensitive.
    /// Returns their number.
    pub fn learn(&self, message: &Value) -> usize {
        match message {
            Value::Object(members) => {
                let of_member = |(name, value): (&String, &Value)| match value {
                    Value::String(secret) if byokey_protocol::secret::is_sensitive(name) => {
                        self.add(secret);
                        1
                    }
                    other => self.learn(other),
                };
                members.iter().map(of_member).sum()
            }
            Value::Array(values) => values.iter().map(|value| self.learn(value)).sum(),
            _ => 0,
        }
    }

    /// Adds a secret.
    pub fn add(&self, secret: &str) {
        locked(&self.own).add(secret);
    }

    /// Adds a secret that none of the test's programs may show.
    pub fn add_for_test(&self, secret: &str) {
        locked(&self.of_test).add(secret);
    }

    /// Fails if a message of the program contains a secret. `getAuthStatus` may, in one member.
    ///
    /// # Panics
    ///
    /// When it does.
    pub fn check_message(&self, message: &Value) {
        let mut message = message.clone();
        if let Some(result) = message.get_mut("result").and_then(Value::as_object_mut) {
            result.remove("authToken");
        }
        self.check_text("standard output", &message.to_string());
    }

    /// Fails if a text contains a secret: verbatim, in base64, in hexadecimal or percent encoding,
    /// or any 16 bytes of one of these.
    ///
    /// # Panics
    ///
    /// When it does.
    pub fn check_text(&self, place: &str, text: &str) {
        assert!(!self.show_in(text), "{place} shows a secret");
    }

    /// Returns whether a text contains a secret.
    #[must_use]
    pub fn show_in(&self, text: &str) -> bool {
        let folded = text.to_ascii_lowercase();
        [&self.own, &self.of_test]
            .iter()
            .any(|known| locked(known).show_in(text, &folded))
    }
}

impl Known {
    fn add(&mut self, secret: &str) {
        let bytes = secret.as_bytes();
        if bytes.len() < PIECE {
            if bytes.len() >= SHORTEST {
                self.short.push(secret.to_owned());
            }
            return;
        }
        self.exact.add(bytes);
        for form in base64_forms(bytes) {
            self.exact.add(&form);
        }
        self.folded.add(&each(bytes, ""));
        self.folded.add(&each(bytes, "%"));
    }

    fn show_in(&self, text: &str, folded: &str) -> bool {
        let shows = |pieces: &Pieces, text: &str| {
            !pieces.is_empty() && pieces.places(text.as_bytes()).next().is_some()
        };
        shows(&self.exact, text)
            || shows(&self.folded, folded)
            || self.short.iter().any(|secret| text.contains(secret))
    }
}

fn locked(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the part of the base64 form that does not depend on its neighbours, for each of the
/// three alignments in a longer text.
fn base64_forms(bytes: &[u8]) -> Vec<Vec<u8>> {
    let engines = [&STANDARD, &URL_SAFE_NO_PAD];
    let shifted = (0..3).flat_map(|before| {
        let mut shifted = vec![0; before];
        shifted.extend_from_slice(bytes);
        shifted.truncate(shifted.len() / 3 * 3);
        engines.map(|engine| {
            let coded = engine.encode(&shifted).into_bytes();
            coded.get(4..).unwrap_or_default().to_vec()
        })
    });
    shifted.collect()
}

/// Returns each byte in lower-case hexadecimal, with this prefix.
fn each(bytes: &[u8], before: &str) -> Vec<u8> {
    let escapes = bytes.iter().map(|byte| format!("{before}{byte:02x}"));
    escapes.collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::Canaries;
    use crate::MadeUp;
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use serde_json::json;

    #[test]
    fn every_form_is_found() {
        let secret = MadeUp::jwt("canary-unit", 120).text;
        let canaries = Canaries::default();
        canaries.add(&secret);
        let shows = |text: &str| canaries.show_in(&format!("some text {text} more text"));
        assert!(shows(&secret));
        assert!(shows(secret.get(30..46).unwrap()));
        for segment in secret.split('.').filter(|segment| segment.len() >= 16) {
            assert!(shows(segment));
        }
        for before in ["", "x", "xy"] {
            let inside = format!("{before}{secret}");
            assert!(shows(&STANDARD.encode(&inside)));
            assert!(shows(&URL_SAFE.encode(&inside)));
        }
        let hex: String = secret.bytes().map(|byte| format!("{byte:02X}")).collect();
        assert!(shows(&hex));
        let percent: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
        assert!(shows(&percent));
        assert!(!shows(secret.get(30..45).unwrap()));
        assert!(!shows("something else altogether, and long"));
        canaries.add("sk-short");
        assert!(shows("sk-short") && !shows("sk-shor"));
    }

    #[test]
    fn what_one_part_of_a_test_knows_the_others_know() {
        let secret = MadeUp::jwt("canary-of-test", 120).text;
        let (one, other) = (Canaries::default(), Canaries::default());
        one.add_for_test(&secret);
        assert!(other.show_in(&secret));
        let elsewhere = std::thread::spawn(move || Canaries::default().show_in(&secret));
        assert!(!elsewhere.join().unwrap(), "another test has its own");
    }

    #[test]
    fn the_secrets_of_a_message_are_known_by_the_protocol() {
        let canaries = Canaries::default();
        let key = MadeUp::api_key("canary-unit", 60).text;
        canaries.learn(&json!({"params": {"type": "apiKey", "apiKey": key}}));
        canaries.check_message(&json!({"result": {"authToken": key}}));
        assert!(canaries.show_in(&json!({"error": {"message": key}}).to_string()));
    }
}
