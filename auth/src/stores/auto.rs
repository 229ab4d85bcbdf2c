//! The keyring where there is one, else the file.

use std::path::Path;

use super::file::FileStore;
use super::keyring::KeyringStore;
use crate::{Saving, Stamp, Store, StoreAnswer, StoreFailure, StoreLock, Stored};

/// Stores a credential in the keyring, or in a file where there is no keyring.
#[derive(Clone, Debug)]
pub struct AutoStore {
    keyring: KeyringStore,
    file: FileStore,
}

impl AutoStore {
    /// Returns both stores of that folder.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self {
            keyring: KeyringStore::new(folder),
            file: FileStore::new(folder),
        }
    }
}

impl Store for AutoStore {
    fn name(&self) -> &'static str {
        "auto"
    }

    fn is_persistent(&self) -> bool {
        true
    }

    fn lock(&self) -> StoreAnswer<'_, StoreLock> {
        self.file.lock()
    }

    fn load(&self) -> StoreAnswer<'_, Option<Stored>> {
        Box::pin(async move {
            match self.keyring.load().await {
                Ok(Some(stored)) => Ok(Some(stored)),
                Ok(None) | Err(StoreFailure::NoKeyring) => self.file.load().await,
                // The file exists only if it is newer than the keyring's entry.
                Err(failure) => self.file.load().await?.map(Some).ok_or(failure),
            }
        })
    }

    fn save(&self, stored: Stored, saving: Saving) -> StoreAnswer<'_, ()> {
        Box::pin(async move {
            match self.keyring.save(stored.duplicate(), saving).await {
                // One copy is enough, and the file is the weaker place.
                Ok(()) => self.file.remove().await.map(|_| ()),
                Err(StoreFailure::NoKeyring) => self.file.save(stored, saving).await,
                // The entry of a locked keyring would come back when it is unlocked.
                Err(failure) => Err(failure),
            }
        })
    }

    fn stamp(&self) -> Option<Stamp> {
        Some(self.file.marked_stamp())
    }

    fn warnings(&self) -> Vec<String> {
        self.file.warnings()
    }

    fn check(&self) -> StoreAnswer<'_, ()> {
        Box::pin(async move {
            match self.keyring.check().await {
                // A login in the keyring removes the one in the file.
                Ok(()) => self.file.check_replaceable(),
                Err(StoreFailure::NoKeyring) => self.file.check().await,
                Err(failure) => Err(failure),
            }
        })
    }

    fn tidy(&self) {
        self.file.tidy();
    }

    fn remove(&self) -> StoreAnswer<'_, bool> {
        Box::pin(async move {
            // Each is cleared even if the other fails.
            let from_file = self.file.remove().await;
            let from_keyring = match self.keyring.remove().await {
                Err(StoreFailure::NoKeyring) => Ok(false),
                removed => removed,
            };
            Ok(from_file? | from_keyring?)
        })
    }
}
