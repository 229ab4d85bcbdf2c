//! Why a managed login can no longer be renewed. The texts are codex's.

/// A refusal that is permanent for this refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PermanentFailure {
    /// The refresh token has expired.
    #[error(
        "Your access token could not be refreshed because your refresh token has expired. \
         Please log out and sign in again."
    )]
    Expired,
    /// The refresh token was spent, by this program or by another one (replay).
    #[error(
        "Your access token could not be refreshed because your refresh token was already used. \
         Please log out and sign in again."
    )]
    Exhausted,
    /// The refresh token was revoked.
    #[error(
        "Your access token could not be refreshed because your refresh token was revoked. \
         Please log out and sign in again."
    )]
    Revoked,
    /// Refused for an unknown reason; or there is no refresh token, or what it was spent for cannot be
    /// used.
    #[error("Your access token could not be refreshed. Please log out and sign in again.")]
    Other,
    /// Another login has been stored meanwhile, or none is stored.
    #[error(
        "Your access token could not be refreshed because you have since logged out or signed \
         in to another account. Please sign in again."
    )]
    Mismatch,
}

impl PermanentFailure {
    /// Maps an error code of the issuer, ignoring case.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        match code.to_ascii_lowercase().as_str() {
            // The second name is the one that was seen (9router#1821).
            "refresh_token_expired" | "token_expired" => Some(Self::Expired),
            "refresh_token_reused" => Some(Self::Exhausted),
            "refresh_token_invalidated" => Some(Self::Revoked),
            // RFC 6749 section 5.2: the grant is invalid; a new login is needed. The second name
            // is that of shared logins.
            "invalid_grant" | "invalid_refresh_token" => Some(Self::Other),
            _ => None,
        }
    }
}
