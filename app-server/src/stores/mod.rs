//! Where credentials are kept beyond the life of the process, if the user chose a place.

mod auth_file;
mod ephemeral;
mod file;

use std::path::Path;
use std::sync::Arc;

pub use ephemeral::EphemeralStore;
pub use file::FileStore;

use crate::auth::Store;
use crate::config::StoreKind;

/// The store of that kind, in that folder if it needs one.
#[must_use]
pub fn open(kind: StoreKind, folder: &Path) -> Arc<dyn Store> {
    match kind {
        StoreKind::Ephemeral => Arc::new(EphemeralStore),
        StoreKind::File => Arc::new(FileStore::new(folder)),
    }
}
