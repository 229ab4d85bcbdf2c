//! Any text: what is taken for a message is JSON, and no more than what a strict reader takes.
#![no_main]

use byokey_protocol::envelope::{Kind, Malformed, parse};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let strict = serde_json::from_str::<Value>(text);
    match parse(text) {
        Ok(message) => {
            assert!(strict.is_ok_and(|value| value.is_object()));
            if let Kind::Request { id, .. } | Kind::Response { id, .. } = message.kind {
                let echoed = serde_json::to_string(&id).expect("an id can be written");
                let again = serde_json::from_str(&echoed).expect("and read again");
                assert_eq!(id, again);
            }
        }
        Err(Malformed::NotAMessage { .. }) => {}
        // `Value` keeps numbers as `f64` and so refuses those that are too large; a reader that
        // skips them does not. Otherwise both agree.
        Err(Malformed::NotJson) => assert!(strict.is_err()),
    }
});
