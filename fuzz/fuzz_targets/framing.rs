//! Any bytes, in any pieces: the output is whole messages, and the pieces make no difference.
#![no_main]

use byokey_fuzz::{converse, messages};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// The complaints about what has no readable id. Other answers may overtake each other.
fn complaints(output: &[u8]) -> Vec<Value> {
    let complaint = |message: &Value| message.get("id") == Some(&Value::Null);
    messages(output).into_iter().filter(complaint).collect()
}

fuzz_target!(|input: &[u8]| {
    // The first byte tells how the rest is cut.
    let Some((cut, bytes)) = input.split_first() else {
        return;
    };
    let whole = converse(std::iter::once(bytes).filter(|bytes| !bytes.is_empty()));
    let pieces = converse(bytes.chunks(usize::from(*cut) + 1));
    assert_eq!(complaints(&whole), complaints(&pieces));
});
