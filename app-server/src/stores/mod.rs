//! Where credentials are kept beyond the life of the process, if the user chose a place.

mod auth_file;
mod auto;
mod file;
mod keyring;

use std::path::Path;
use std::sync::Arc;

pub use auto::AutoStore;
pub use file::FileStore;
pub use keyring::{KeyringStore, read_codex_keyring};

use crate::config::StoreKind;
use byokey_auth::{EphemeralStore, Store};

/// The store of that kind, in that folder if it needs one.
#[must_use]
pub fn open(kind: StoreKind, folder: &Path) -> Arc<dyn Store> {
    match kind {
        StoreKind::Ephemeral => Arc::new(EphemeralStore),
        StoreKind::File => Arc::new(FileStore::new(folder)),
        StoreKind::Keyring => Arc::new(KeyringStore::new(folder)),
        StoreKind::Auto => Arc::new(AutoStore::new(folder)),
    }
}
