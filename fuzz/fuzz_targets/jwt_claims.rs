//! Any text as a token: claims are read only from what can be sent.
#![no_main]

use byokey_app_server::auth::{Claims, is_bearer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if Claims::of(text).is_ok() {
        assert!(is_bearer(text));
        assert_eq!(text.split('.').count(), 3);
        assert!(text.split('.').all(|part| !part.is_empty()));
    }
});
