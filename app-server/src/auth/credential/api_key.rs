//! API keys.

use byokey_protocol::secret::Secret;

use super::InvalidCredential;
use crate::auth::identifier::is_bearer;
use byokey_base::memory::lock_in_memory;

/// An OpenAI API key.
#[derive(Debug)]
pub struct ApiKey(Secret);

impl ApiKey {
    /// Takes a key that can be sent.
    ///
    /// # Errors
    ///
    /// [`InvalidCredential::ApiKey`] when it cannot.
    pub fn new(key: Secret) -> Result<Self, InvalidCredential> {
        if is_bearer(key.expose()) {
            Ok(Self(lock_in_memory(key)))
        } else {
            Err(InvalidCredential::ApiKey)
        }
    }

    /// The key.
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
    }
}
