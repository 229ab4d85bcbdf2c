//! API keys.

use byokey_protocol::secret::Secret;
use ring::digest::{SHA256, digest};

use super::InvalidCredential;
use super::given::{TokenKind, checked};
use byokey_base::memory::{lock_in_memory, wiped_after};

/// An OpenAI API key.
#[derive(Debug)]
pub struct ApiKey(Secret);

impl ApiKey {
    /// Validates that the key can be sent.
    ///
    /// # Errors
    ///
    /// [`InvalidCredential::ApiKey`] when it cannot.
    pub fn new(key: Secret) -> Result<Self, InvalidCredential> {
        Ok(Self(lock_in_memory(checked(key, TokenKind::ApiKey)?)))
    }

    /// Returns the SHA-256 digest of the key, its identity among keys.
    pub(super) fn digest(&self) -> [u8; 32] {
        // Hashing leaves the last block of its input on the stack.
        let digest = wiped_after(|| digest(&SHA256, self.0.expose().as_bytes()));
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        bytes
    }

    /// Returns the key.
    #[must_use]
    pub const fn secret(&self) -> &Secret {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::ApiKey;
    use byokey_protocol::secret::Secret;

    #[test]
    fn what_cannot_be_sent_is_refused() {
        assert!(ApiKey::new(Secret::from("")).is_err());
        assert!(ApiKey::new(Secret::from("sk made up")).is_err());
        assert!(ApiKey::new(Secret::from("sk-made-up")).is_ok());
        let trimmed = ApiKey::new(Secret::from("sk-made-up\n")).unwrap();
        assert_eq!(trimmed.secret().expose(), "sk-made-up");
    }
}
