//! The default store, without persistence: credentials end with the process.

use std::future::ready;

use crate::{Saving, Store, StoreAnswer, StoreLock, Stored};

/// Stores nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct EphemeralStore;

impl Store for EphemeralStore {
    fn name(&self) -> &'static str {
        "ephemeral"
    }

    fn is_persistent(&self) -> bool {
        false
    }

    fn lock(&self) -> StoreAnswer<'_, StoreLock> {
        Box::pin(ready(Ok(StoreLock::unshared())))
    }

    fn load(&self) -> StoreAnswer<'_, Option<Stored>> {
        Box::pin(ready(Ok(None)))
    }

    fn save(&self, stored: Stored, _: Saving) -> StoreAnswer<'_, ()> {
        drop(stored);
        Box::pin(ready(Ok(())))
    }

    fn remove(&self) -> StoreAnswer<'_, bool> {
        Box::pin(ready(Ok(false)))
    }
}
