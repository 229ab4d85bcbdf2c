//! An unsupported system: nothing is watched.

use super::Unwatched;

pub(super) fn end_of_ancestor(_: u32) -> Result<std::future::Pending<()>, Unwatched> {
    Err(Unwatched::Unsupported)
}
