//! The room that all answers in progress share.
//!
//! Each answer has limits of its own. Without a common one, many answers at once would take a
//! multiple of them. What is stored of an answer takes its part of the room first, and gives it back
//! when it is dropped: at the end of a call, when it is cancelled, at a logout, in a panic.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::limits::{Limit, MAX_ANSWERS, MAX_FREE_PART};

/// Capacities of buffers of medium length. Those below the last come from an allocator that keeps what
/// was freed: with a step for each power of two, many growing buffers would leave a trail there.
const STEPS: [usize; 2] = [16 * 1024, 64 * 1024];

/// The rooms of a backend.
#[derive(Debug)]
pub(crate) struct Rooms {
    /// That of the server's answers.
    pub(crate) own: Arc<AnswerRoom>,
    /// That of answers which the gateway reads for its clients.
    #[cfg(feature = "gateway")]
    pub(crate) clients: Arc<AnswerRoom>,
}

impl Rooms {
    /// Returns empty ones.
    pub(crate) fn new() -> Self {
        Self {
            own: Arc::default(),
            #[cfg(feature = "gateway")]
            clients: Arc::new(AnswerRoom::of(super::limits::MAX_ANSWERS_OF_CLIENTS)),
        }
    }
}

/// A room.
#[derive(Debug)]
pub(crate) struct AnswerRoom {
    taken: AtomicUsize,
    limit: usize,
}

impl Default for AnswerRoom {
    fn default() -> Self {
        Self::of(MAX_ANSWERS)
    }
}

/// A part of a room. The first bytes of each part are free, so that short answers always have
/// room.
#[derive(Debug)]
pub struct Part {
    room: Arc<AnswerRoom>,
    bytes: usize,
}

impl AnswerRoom {
    /// Returns a room of so many bytes.
    pub(crate) const fn of(limit: usize) -> Self {
        Self {
            taken: AtomicUsize::new(0),
            limit,
        }
    }

    /// Returns an empty part.
    pub(crate) fn part(self: &Arc<Self>) -> Part {
        Part {
            room: Arc::clone(self),
            bytes: 0,
        }
    }

    fn take(&self, bytes: usize) -> Result<(), Limit> {
        let take = |taken: usize| taken.checked_add(bytes).filter(|it| *it <= self.limit);
        let taken = self
            .taken
            .try_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.map(drop).map_err(|_| Limit::Room)
    }
}

impl Part {
    /// Returns two parts of a room.
    #[cfg(test)]
    pub(crate) fn pair(room: usize) -> (Self, Self) {
        let room = Arc::new(AnswerRoom::of(room));
        (room.part(), room.part())
    }

    /// Takes so many bytes more.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<(), Limit> {
        let after = self.bytes.saturating_add(bytes);
        self.room.take(shared(after) - shared(self.bytes))?;
        self.bytes = after;
        Ok(())
    }

    /// Gives so many bytes back.
    pub(crate) fn give_back(&mut self, bytes: usize) {
        let after = self.bytes.saturating_sub(bytes);
        let less = shared(self.bytes) - shared(after);
        self.room.taken.fetch_sub(less, Ordering::Relaxed);
        self.bytes = after;
    }

    /// Makes place in a buffer for so many bytes more. It doubles as usual, but in few steps where
    /// blocks are short, and it becomes as long as it may rather than more than half of that. While
    /// it grows, the old block and the new one count.
    pub(crate) fn grow(
        &mut self,
        buffer: &mut Vec<u8>,
        more: usize,
        longest: usize,
    ) -> Result<(), Limit> {
        let (length, capacity) = (buffer.len() + more, buffer.capacity());
        if length <= capacity {
            return Ok(());
        }
        let wanted = match length.max(capacity * 2) {
            wanted if wanted > longest / 2 => longest.max(length),
            wanted if wanted > MAX_FREE_PART => STEPS
                .into_iter()
                .find(|step| *step >= wanted)
                .unwrap_or(wanted),
            wanted => wanted,
        };
        self.take(wanted)?;
        buffer.reserve_exact(wanted - buffer.len());
        self.give_back(capacity);
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.give_back(self.bytes);
    }
}

/// Returns the bytes of a text in JSON.
pub(crate) fn of_text(text: &str) -> usize {
    text.bytes().map(of_byte).sum()
}

const fn of_byte(byte: u8) -> usize {
    match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12 => 2,
        0..32 => 6,
        _ => 1,
    }
}

const fn shared(bytes: usize) -> usize {
    bytes.saturating_sub(MAX_FREE_PART)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_share_the_room_and_give_back_what_they_took() {
        let room = Arc::<AnswerRoom>::default();
        let (mut one, mut other) = (room.part(), room.part());
        one.take(MAX_ANSWERS).unwrap();
        assert_eq!(other.take(2 * MAX_FREE_PART + 1), Err(Limit::Room));
        other.take(2 * MAX_FREE_PART).unwrap();
        one.give_back(1);
        other.take(1).unwrap();
        assert_eq!(one.take(1), Err(Limit::Room));
        drop(one);
        other.take(MAX_ANSWERS - 2 * MAX_FREE_PART).unwrap();
        drop(other);
        assert_eq!(room.taken.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn the_start_of_each_part_is_free() {
        let room = Arc::<AnswerRoom>::default();
        let mut large = room.part();
        large.take(MAX_ANSWERS + MAX_FREE_PART).unwrap();
        let parts: Vec<_> = std::iter::repeat_with(|| room.part()).take(100).collect();
        for mut part in parts {
            part.take(MAX_FREE_PART).unwrap();
            assert_eq!(part.take(1), Err(Limit::Room));
        }
    }

    #[test]
    fn a_buffer_takes_what_it_allocates_and_grows_to_its_limit() {
        let room = Arc::<AnswerRoom>::default();
        let (mut part, mut buffer) = (room.part(), Vec::new());
        for piece in [10, MAX_FREE_PART, 10, 100_000, 60_000] {
            part.grow(&mut buffer, piece, 170_000).unwrap();
            buffer.resize(buffer.len() + piece, 0);
            assert_eq!(part.bytes, buffer.capacity());
        }
        assert!(buffer.capacity() <= 170_000);
    }
}
