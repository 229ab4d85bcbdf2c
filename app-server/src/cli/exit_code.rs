//! Exit codes of the commands about a login.

/// There is no login.
pub(super) const SIGNED_OUT: u8 = 1;
/// Any failure, as for wrong arguments.
pub(super) const FAILED: u8 = 2;
/// The login has expired.
pub(super) const EXPIRED: u8 = 3;
