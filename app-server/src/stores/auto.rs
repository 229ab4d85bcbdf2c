//! The keyring where there is one, else the file.

use std::path::Path;

use super::file::FileStore;
use super::keyring::KeyringStore;
use byokey_auth::{Saving, Store, StoreAnswer, StoreFailure, StoreLock, Stored};

/// Keeps a credential in the keyring, or in a file where there is no keyring.
#[derive(Clone, Debug)]
pub struct AutoStore {
    keyring: KeyringStore,
    file: FileStore,
}

impl AutoStore {
    /// The two stores of that folder.
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

    fn keeps(&self) -> bool {
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
                // A file is there only if it was written later than the keyring.
                Err(failure) => self.file.load().await?.map(Some).ok_or(failure),
            }
        })
    }

    fn save(&self, stored: Stored, saving: Saving) -> StoreAnswer<'_, ()> {
        Box::pin(async move {
            match self.keyring.save(stored.duplicate(), saving).await {
                // One place is enough, and the file is the weaker one.
                Ok(()) => self.file.remove().await.map(|_| ()),
                Err(StoreFailure::NoKeyring) => self.file.save(stored, saving).await,
                // What it holds would come back when it opens.
                Err(failure) => Err(failure),
            }
        })
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
            // Each is emptied whatever became of the other.
            let from_file = self.file.remove().await;
            let from_keyring = match self.keyring.remove().await {
                Err(StoreFailure::NoKeyring) => Ok(false),
                removed => removed,
            };
            Ok(from_file? | from_keyring?)
        })
    }
}
