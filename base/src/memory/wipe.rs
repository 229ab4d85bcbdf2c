//! Zeroizing buffers at memory speed.
//!
//! `zeroize` writes byte by byte, which costs more than parsing for the buffers of every message.
//! These buffers stay allocated and are reused, so the compiler cannot remove the stores as dead;
//! the allocator wipes freed memory.

use std::hint::black_box;

/// Overwrites these bytes with zeros.
pub fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    black_box(bytes);
}

/// Empties a buffer and overwrites its content.
pub fn wipe_all(buffer: &mut Vec<u8>) {
    wipe(buffer);
    buffer.clear();
}

#[cfg(test)]
mod tests {
    use super::{wipe, wipe_all};

    #[test]
    fn nothing_is_left() {
        let mut bytes = *b"made-up secret";
        wipe(&mut bytes[8..]);
        assert_eq!(&bytes, b"made-up \0\0\0\0\0\0");
    }

    #[test]
    fn a_buffer_is_emptied_and_kept() {
        let mut buffer = b"made-up secret".to_vec();
        let capacity = buffer.capacity();
        wipe_all(&mut buffer);
        assert!(buffer.is_empty());
        assert_eq!(buffer.capacity(), capacity);
    }
}
