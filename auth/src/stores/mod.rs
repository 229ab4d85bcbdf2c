//! Stores: persistence of credentials, if the user chose a place.

mod auth_file;
mod auto;
mod file;
mod keyring;
mod kind;
mod no_folder;

use std::path::Path;
use std::sync::Arc;

pub use auto::AutoStore;
pub use file::FileStore;
pub use keyring::{KeyringStore, read_codex_keyring};
pub use kind::StoreKind;
use no_folder::NoFolderStore;

use crate::{EphemeralStore, Store};

/// Opens the store of that kind, in that folder if it needs one. Without a folder, its operations
/// fail.
#[must_use]
pub fn open(kind: StoreKind, folder: Option<&Path>) -> Arc<dyn Store> {
    if kind == StoreKind::Ephemeral {
        return Arc::new(EphemeralStore);
    }
    let Some(folder) = folder else {
        return Arc::new(NoFolderStore);
    };
    match kind {
        StoreKind::Ephemeral => Arc::new(EphemeralStore),
        StoreKind::File => Arc::new(FileStore::new(folder)),
        StoreKind::Keyring => Arc::new(KeyringStore::new(folder)),
        StoreKind::Auto => Arc::new(AutoStore::new(folder)),
    }
}
