//! Why a WebSocket client is not let in.

/// Why a client is not let in. The texts are codex's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BearerRefusal {
    /// There is no `Authorization` header.
    #[error("missing websocket bearer token")]
    Missing,
    /// The header is not `Bearer <token>`, or there are several.
    #[error("invalid authorization header")]
    Header,
    /// The token is another one.
    #[error("invalid websocket bearer token")]
    Token,
    /// The token is not a JWT that was signed with our secret, or it never expires.
    #[error("invalid websocket jwt")]
    Jwt,
    /// The token has expired.
    #[error("expired websocket jwt")]
    Expired,
    /// The token is good later.
    #[error("websocket jwt is not valid yet")]
    NotYet,
    /// The token is from another issuer.
    #[error("websocket jwt issuer mismatch")]
    Issuer,
    /// The token is for another audience.
    #[error("websocket jwt audience mismatch")]
    Audience,
}
