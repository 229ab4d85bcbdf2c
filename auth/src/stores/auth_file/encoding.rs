//! Byte-order marks, as written by editors and shells of Windows.

use std::ops::Deref;

use zeroize::Zeroizing;

/// A text in UTF-8, without its mark.
pub(super) enum Decoded<'a> {
    /// It was UTF-8 before.
    Plain(&'a [u8]),
    /// It was UTF-16.
    Converted(Zeroizing<String>),
}

impl Deref for Decoded<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Plain(text) => text,
            Self::Converted(text) => text.as_bytes(),
        }
    }
}

/// Decodes UTF-16 with a byte-order mark, and strips the mark. Returns `None` for invalid UTF-16;
/// UTF-8 is not checked.
pub(super) fn decoded(text: &[u8]) -> Option<Decoded<'_>> {
    match text {
        [0xef, 0xbb, 0xbf, rest @ ..] => Some(Decoded::Plain(rest)),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => Some(Decoded::Plain(text)),
    }
}

fn utf16(text: &[u8], order: fn([u8; 2]) -> u16) -> Option<Decoded<'static>> {
    let (units, rest) = text.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    // Never reallocated: one unit takes at most three bytes.
    let mut decoded = Zeroizing::new(String::with_capacity(units.len().saturating_mul(3)));
    for unit in char::decode_utf16(units.iter().map(|unit| order(*unit))) {
        decoded.push(unit.ok()?);
    }
    Some(Decoded::Converted(decoded))
}
