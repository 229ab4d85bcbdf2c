//! Reasons for not admitting a client.

/// Why a request is not answered, whatever bearer it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SenderRefusal {
    /// A web page sent it.
    #[error("requests of web pages are refused: they carry an Origin header")]
    WebPage,
    /// It may have been sent to another name, which resolves to this machine.
    #[error(
        "the Host header must be 127.0.0.1, [::1], localhost or the listening address, with the \
         port"
    )]
    Host,
}

/// Why a client is not admitted. The texts are codex's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BearerRefusal {
    /// There is no `Authorization` header.
    #[error("missing websocket bearer token")]
    Missing,
    /// The header is not `Bearer <token>`, or there are several.
    #[error("invalid authorization header")]
    Header,
    /// The token does not match.
    #[error("invalid websocket bearer token")]
    Token,
    /// The token is not a JWT signed with our secret, or has no expiry.
    #[error("invalid websocket jwt")]
    Jwt,
    /// The token has expired.
    #[error("expired websocket jwt")]
    Expired,
    /// The token is not valid yet.
    #[error("websocket jwt is not valid yet")]
    NotYet,
    /// The token has another issuer.
    #[error("websocket jwt issuer mismatch")]
    Issuer,
    /// The token has another audience.
    #[error("websocket jwt audience mismatch")]
    Audience,
}
