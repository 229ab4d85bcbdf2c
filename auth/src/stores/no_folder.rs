//! The store of a user without a home folder: all its operations fail.

use std::future::ready;

use crate::{Saving, Store, StoreAnswer, StoreFailure, StoreLock, Stored};

/// Stores nothing; its errors state the reason.
#[derive(Clone, Copy, Debug)]
pub(super) struct NoFolderStore;

impl Store for NoFolderStore {
    fn name(&self) -> &'static str {
        "none"
    }

    fn is_persistent(&self) -> bool {
        true
    }

    fn lock(&self) -> StoreAnswer<'_, StoreLock> {
        Box::pin(ready(Err(StoreFailure::NoFolder)))
    }

    fn load(&self) -> StoreAnswer<'_, Option<Stored>> {
        Box::pin(ready(Err(StoreFailure::NoFolder)))
    }

    fn check(&self) -> StoreAnswer<'_, ()> {
        Box::pin(ready(Err(StoreFailure::NoFolder)))
    }

    fn save(&self, stored: Stored, _: Saving) -> StoreAnswer<'_, ()> {
        drop(stored);
        Box::pin(ready(Err(StoreFailure::NoFolder)))
    }

    fn remove(&self) -> StoreAnswer<'_, bool> {
        Box::pin(ready(Err(StoreFailure::NoFolder)))
    }
}
