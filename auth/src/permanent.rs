//! Why a login of ours cannot be renewed any more. The texts are codex's.

/// A refusal that another attempt with the same refresh token would only repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PermanentFailure {
    /// The refresh token is too old.
    #[error(
        "Your access token could not be refreshed because your refresh token has expired. \
         Please log out and sign in again."
    )]
    Expired,
    /// The refresh token was spent, by this program or by another that holds it.
    #[error(
        "Your access token could not be refreshed because your refresh token was already used. \
         Please log out and sign in again."
    )]
    Exhausted,
    /// Somebody took the refresh token back.
    #[error(
        "Your access token could not be refreshed because your refresh token was revoked. \
         Please log out and sign in again."
    )]
    Revoked,
    /// Refused without a reason that is known here, or there is no refresh token.
    #[error("Your access token could not be refreshed. Please log out and sign in again.")]
    Other,
    /// The store holds another login by now, or none.
    #[error(
        "Your access token could not be refreshed because you have since logged out or signed \
         in to another account. Please sign in again."
    )]
    Mismatch,
}

impl PermanentFailure {
    /// What a code of the issuer means. Codes are compared without regard to case.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        match code.to_ascii_lowercase().as_str() {
            "refresh_token_expired" => Some(Self::Expired),
            "refresh_token_reused" => Some(Self::Exhausted),
            "refresh_token_invalidated" => Some(Self::Revoked),
            // RFC 6749 section 5.2: the grant is worth nothing; sign in again.
            "invalid_grant" => Some(Self::Other),
            _ => None,
        }
    }
}
