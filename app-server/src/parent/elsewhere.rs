use super::Unwatched;

/// Nothing is watched here.
pub(super) fn end_of_ancestor(_: u32) -> Result<std::future::Pending<()>, Unwatched> {
    Err(Unwatched::Unsupported)
}
