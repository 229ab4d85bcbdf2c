//! codex's entry in the keyring. It is read and never changed.

use std::fmt::Write as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::entry::Entry;
use super::{DEADLINE, load};
use crate::{StoreFailure, Stored};

/// codex's service name in the keyring.
const SERVICE: &str = "Codex Auth";

/// Reads codex's entry in the keyring for that folder of its own.
///
/// # Errors
///
/// [`StoreFailure`] when it cannot be read.
pub async fn read_codex_keyring(codex_home: &Path) -> Result<Option<Stored>, StoreFailure> {
    load(&Entry::new(SERVICE, &user(codex_home), DEADLINE)).await
}

/// codex identifies its folder by a prefix of its path's hash.
fn user(codex_home: &Path) -> String {
    let place = std::fs::canonicalize(codex_home).unwrap_or_else(|_| codex_home.to_owned());
    let hash = Sha256::digest(place.as_os_str().as_encoded_bytes());
    let mut user = "cli|".to_owned();
    for byte in &hash[..8] {
        // Writing to a string does not fail.
        let _ = write!(user, "{byte:02x}");
    }
    user
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::user;

    #[test]
    fn the_entry_has_codexs_name() {
        assert_eq!(
            user(Path::new("/nobody/has/this/.codex")),
            "cli|56c0c08b107c652b"
        );
    }
}
