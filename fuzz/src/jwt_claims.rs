//! Any text as a token: claims are only read from tokens that can be sent.

use std::str;

use byokey_auth::{Claims, is_bearer};

/// # Panics
///
/// When claims are read from an invalid bearer, or from one without three parts.
pub fn jwt_claims(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    if Claims::of(text).is_ok() {
        assert!(is_bearer(text));
        assert_eq!(text.split('.').count(), 3);
        assert!(text.split('.').all(|part| !part.is_empty()));
    }
}
