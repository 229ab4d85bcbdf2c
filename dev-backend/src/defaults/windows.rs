//! The rate-limit windows, as usage answers and headers report them.

/// Seconds until the short window resets, and until the long one does.
pub(super) const RESETS: [u64; 2] = [120, 43_200];
