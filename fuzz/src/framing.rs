//! Any bytes, in any pieces: the output is whole messages, and the pieces make no difference.

use std::iter;

use serde_json::Value;

use crate::conversation::{converse, messages};

/// The first byte tells how the rest is cut.
///
/// # Panics
///
/// When the output is not whole messages, or depends on the pieces.
pub fn framing(input: &[u8]) {
    let Some((cut, bytes)) = input.split_first() else {
        return;
    };
    let whole = converse(iter::once(bytes).filter(|bytes| !bytes.is_empty()));
    let pieces = converse(bytes.chunks(usize::from(*cut) + 1));
    assert_eq!(complaints(&whole), complaints(&pieces));
}

/// The complaints about what has no readable id. Other answers may overtake each other.
fn complaints(output: &[u8]) -> Vec<Value> {
    let complaint = |message: &Value| message.get("id") == Some(&Value::Null);
    messages(output).into_iter().filter(complaint).collect()
}
