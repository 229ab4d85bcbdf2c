//! Appending the pieces of a message: quotes, names, numbers.
//!
//! `serde_json` writes some thirty of them for a short message. Each would be a call of the C
//! library's `memcpy`, which takes as long for three bytes as for a hundred: in musl's it was a
//! quarter of the time of a request.

/// Longest piece that is copied without a call.
const SHORT: usize = 32;

/// Appends a piece to a buffer. Without room for it there is an allocation.
#[inline]
pub(crate) fn append_piece(bytes: &mut Vec<u8>, piece: &[u8]) {
    let start = bytes.len();
    if piece.len() > SHORT || bytes.capacity() - start < SHORT {
        return bytes.extend_from_slice(piece);
    }
    // Lengths that the compiler knows need no call.
    bytes.extend_from_slice(&[0; SHORT]);
    let end = start + piece.len();
    if let Some(place) = bytes.get_mut(start..end) {
        match piece.len() {
            0 => {}
            1 => copy_ends::<1>(place, piece),
            2..=3 => copy_ends::<2>(place, piece),
            4..=7 => copy_ends::<4>(place, piece),
            8..=15 => copy_ends::<8>(place, piece),
            _ => copy_ends::<16>(place, piece),
        }
    }
    bytes.truncate(end);
}

/// Copies the first and the last bytes, which overlap or touch: all of `N` to `2 * N`.
#[inline]
fn copy_ends<const N: usize>(to: &mut [u8], from: &[u8]) {
    if let (Some(place), Some(bytes)) = (to.first_chunk_mut::<N>(), from.first_chunk::<N>()) {
        *place = *bytes;
    }
    if let (Some(place), Some(bytes)) = (to.last_chunk_mut::<N>(), from.last_chunk::<N>()) {
        *place = *bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::{SHORT, append_piece};

    #[test]
    fn pieces_of_any_length_follow_each_other() {
        let text: Vec<u8> = (0..=255).collect();
        for capacity in [0, 40, 10_000] {
            let (mut bytes, mut expected) = (Vec::with_capacity(capacity), Vec::new());
            for length in 0..3 * SHORT {
                append_piece(&mut bytes, &text[length..2 * length]);
                expected.extend_from_slice(&text[length..2 * length]);
                assert_eq!(bytes, expected, "{length}");
            }
        }
    }
}
