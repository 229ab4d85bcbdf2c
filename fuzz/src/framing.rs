//! Any bytes, in any pieces: the output consists of whole messages, and does not depend on the
//! pieces.

use std::iter;

use serde_json::Value;

use crate::conversation::{converse, messages};

/// The first byte decides how the rest is split.
///
/// # Panics
///
/// When the output does not consist of whole messages, or depends on the pieces.
pub fn framing(input: &[u8]) {
    let Some((cut, bytes)) = input.split_first() else {
        return;
    };
    let whole = converse(iter::once(bytes).filter(|bytes| !bytes.is_empty()));
    let pieces = converse(bytes.chunks(usize::from(*cut) + 1));
    assert_eq!(complaints(&whole), complaints(&pieces));
}

/// Returns the errors without a readable id. Other responses may overtake each other.
fn complaints(output: &[u8]) -> Vec<Value> {
    let complaint = |message: &Value| message.get("id") == Some(&Value::Null);
    messages(output).into_iter().filter(complaint).collect()
}
