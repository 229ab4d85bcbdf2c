//! Why a connection ended.

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The peer closed its side, and all its requests are answered.
    EndOfInput,
    /// The peer reads no more.
    PeerGone,
    /// The peer reads so slowly that its queue reached the limit.
    PeerTooSlow,
    /// A shutdown was requested, of all connections or of this one.
    Shutdown,
    /// The bearer of the peer has expired.
    Expired,
}
