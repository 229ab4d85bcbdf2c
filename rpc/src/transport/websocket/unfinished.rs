//! The size of an unfinished WebSocket message.

use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::OpCode;

/// What the library keeps of an unfinished message.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unfinished {
    /// Bytes of its frames.
    bytes: usize,
    /// Bytes of the longest frame: the library copies out of it, and keeps it.
    longest: usize,
    is_fragmented: bool,
}

impl Unfinished {
    /// Returns whether no message has begun.
    pub(super) const fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Adds a frame with this length, as soon as its header is there: the library allocates all of
    /// it. Control frames do not count.
    pub(super) fn begin_frame(&mut self, header: &FrameHeader, length: usize) {
        if matches!(header.opcode, OpCode::Data(_)) {
            self.bytes += length;
            self.longest = self.longest.max(length);
            self.is_fragmented |= !header.is_final;
        }
    }

    /// Returns what is kept, in bytes.
    pub(super) const fn size(&self) -> usize {
        self.bytes + if self.is_fragmented { self.longest } else { 0 }
    }
}
