//! The key of an account.

use ring::digest::{Context, SHA256};

use super::table::Held;
use crate::credential::AccountIdentity;

/// Bytes of the digest in a key: enough against a collision by chance, and short.
const LENGTH: usize = 16;

/// Identifies an account to clients: opaque, the same after a renewal and after a restart. It is
/// made of the kind of the login, the workspace and the user, never of an email address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountKey(String);

impl AccountKey {
    /// Returns the key of an account.
    #[must_use]
    pub fn of(held: &Held) -> Self {
        let owner = if held.supplier.is_some() {
            "host"
        } else {
            "server"
        };
        let supplier;
        let (kind, parts): (_, [&[u8]; 3]) = match &held.identity {
            AccountIdentity::Chatgpt { id, user_id } => {
                ("chatgpt", [bytes(id), bytes(user_id), b""])
            }
            AccountIdentity::ApiKey(digest) => ("apiKey", [digest, b"", b""]),
            AccountIdentity::Bearer {
                origin,
                label,
                supplier: by,
            } => {
                supplier = by.0.to_be_bytes();
                ("bearerToken", [origin.as_bytes(), bytes(label), &supplier])
            }
        };
        let mut digest = Context::new(&SHA256);
        for part in [owner.as_bytes(), kind.as_bytes()].into_iter().chain(parts) {
            // With its length, so that no two lists of parts are the same bytes.
            digest.update(&part.len().to_be_bytes());
            digest.update(part);
        }
        let digest = digest.finish();
        let digits = b"0123456789abcdef";
        let hex = digest.as_ref()[..LENGTH].iter().flat_map(|byte| {
            [byte >> 4, byte & 15].map(|digit| char::from(digits[usize::from(digit)]))
        });
        Self(hex.collect())
    }

    /// Returns the key as a client names it. Any text: one that is no key names no account.
    #[must_use]
    pub const fn from_client(text: String) -> Self {
        Self(text)
    }

    /// Returns the text.
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }
}

fn bytes(text: &Option<String>) -> &[u8] {
    text.as_deref().unwrap_or_default().as_bytes()
}
