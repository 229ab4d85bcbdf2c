//! Any text: an accepted message is JSON, and nothing is accepted that a strict parser refuses.

use std::collections::HashMap;
use std::str;

use byokey_protocol::envelope::{Kind, Malformed, parse};
use serde_json::Value;
use serde_json::value::RawValue;

/// # Panics
///
/// When something other than a JSON object is accepted as a message, invalid JSON is accepted, or
/// an id changes on its way back.
pub fn envelope(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    match parse(text) {
        Ok(message) => {
            // Not as a `Value`: that refuses numbers out of its range, which a message may contain.
            assert!(serde_json::from_str::<HashMap<String, &RawValue>>(text).is_ok());
            if let Kind::Request { id, .. } | Kind::Response { id, .. } = message.kind {
                let echoed = serde_json::to_string(&id).expect("an id can be written");
                let again = serde_json::from_str(&echoed).expect("and read again");
                assert_eq!(id, again);
            }
        }
        Err(Malformed::NotAMessage { .. }) => {}
        Err(Malformed::NotJson) => assert!(serde_json::from_str::<Value>(text).is_err()),
    }
}
