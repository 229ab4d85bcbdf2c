//! Memory for secrets: zeroized buffers and stack, and pages that are locked against swapping.

mod locked;
mod stack;
mod wipe;

pub use locked::{header, is_locked, lock_in_memory};
pub use stack::wiped_after;
pub use wipe::{wipe, wipe_all};
