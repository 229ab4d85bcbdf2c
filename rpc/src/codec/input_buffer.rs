//! The input buffer: small unless a long message is being received.
//!
//! A long message gets its maximal capacity at once, as pages of its own that the system allocates
//! on first write. It is therefore copied at most once while it arrives, and unused capacity costs
//! nothing. The first buffer consists of such pages, too: the allocator would have to zero memory
//! that was in use before.

use std::ops::{Deref, DerefMut, Range};

use memmap2::MmapMut;

use byokey_base::memory::wipe;

/// Capacity in bytes while no message is longer.
pub(super) const IDLE: usize = 16 * 1024;
/// Up to this size capacity is doubled: separate pages would cost more than they save.
pub(super) const SHORT: usize = 128 * 1024;

/// The input buffer. The caller wipes what it replaces, see [`Self::replace`].
#[derive(Debug)]
pub(crate) struct InputBuffer(Memory);

#[derive(Debug)]
enum Memory {
    Short(Vec<u8>),
    Pages(MmapMut),
}

impl InputBuffer {
    /// Returns a buffer for short messages.
    pub(crate) fn idle() -> Self {
        Self::pages(IDLE)
    }

    /// Grows the buffer by at least one byte, up to `most` bytes. The bytes in `kept` move to the
    /// front.
    pub(crate) fn grow(&mut self, kept: Range<usize>, most: usize) {
        let doubled = self.len() * 2;
        let larger = if doubled <= SHORT.min(most) {
            Self(Memory::Short(vec![0; doubled]))
        } else {
            Self::pages(most.max(self.len() + 1))
        };
        self.replace(larger, kept);
    }

    /// Returns to the capacity for short messages. The content is dropped; the caller has wiped it.
    pub(crate) fn shrink(&mut self) {
        if self.len() > IDLE {
            *self = Self::idle();
        }
    }

    /// Returns to a capacity for short messages with room for the bytes in `kept`, which move to
    /// the front. Returns whether they are short enough.
    pub(crate) fn fit(&mut self, kept: Range<usize>) -> bool {
        let length = kept.len().next_power_of_two().max(IDLE);
        let fits = length <= SHORT;
        if fits {
            self.replace(Self(Memory::Short(vec![0; length])), kept);
        }
        fits
    }

    fn pages(length: usize) -> Self {
        Self(match MmapMut::map_anon(length) {
            Ok(pages) => Memory::Pages(pages),
            // The allocator may still provide it, and handles the case where it cannot.
            Err(_) => Memory::Short(vec![0; length]),
        })
    }

    fn replace(&mut self, mut larger: Self, kept: Range<usize>) {
        let old = self.get_mut(kept).unwrap_or_default();
        if let Some(front) = larger.get_mut(..old.len()) {
            front.copy_from_slice(old);
        }
        wipe(old);
        *self = larger;
    }
}

impl Deref for InputBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Memory::Short(bytes) => bytes,
            Memory::Pages(bytes) => bytes,
        }
    }
}

impl DerefMut for InputBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        match &mut self.0 {
            Memory::Short(bytes) => bytes,
            Memory::Pages(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{IDLE, InputBuffer, SHORT};

    #[test]
    fn what_is_kept_moves_to_the_front() {
        let mut buffer = InputBuffer::idle();
        buffer[3..7].copy_from_slice(b"kept");
        buffer.grow(3..7, 10 * SHORT);
        assert_eq!(&buffer[..8], b"kept\0\0\0\0");
        assert_eq!(buffer.len(), 2 * IDLE);
    }

    #[test]
    fn a_long_message_gets_all_the_room_at_once() {
        let mut buffer = InputBuffer::idle();
        while buffer.len() < SHORT {
            buffer.grow(0..0, 10 * SHORT);
        }
        buffer[SHORT - 1] = b'x';
        buffer.grow(SHORT - 1..SHORT, 10 * SHORT);
        assert_eq!((buffer[0], buffer.len()), (b'x', 10 * SHORT));
        buffer.shrink();
        assert_eq!(buffer.len(), IDLE);
    }

    #[test]
    fn there_is_always_more_room_than_before() {
        let mut buffer = InputBuffer::idle();
        for _ in 0..3 {
            let before = buffer.len();
            buffer.grow(0..before, 1);
            assert!(buffer.len() > before);
        }
    }
}
