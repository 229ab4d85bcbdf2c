//! The keyring of the desktop: on Linux the Secret Service, over D-Bus and without a C library; on
//! macOS the login keychain; on Windows the credential manager.
//!
//! A keyring may prompt for a password and wait for ever, so each step runs in a thread of its own
//! and has a deadline. Without such a keyring, or without the feature `keyring`, the store returns
//! an error.

mod codex;
mod entry;
mod platform;

use std::path::Path;
use std::time::Duration;

pub use codex::read_codex_keyring;
use entry::{Entry, Name, Waiting};

use super::auth_file::{self, Content};
use super::file::FileStore;
use crate::{Saving, Stamp, Store, StoreAnswer, StoreFailure, StoreLock, Stored};

/// How long the owner of the keyring has to unlock it.
const DEADLINE: Duration = Duration::from_secs(20);
/// The name that the keyring shows its owner.
const SERVICE: &str = "byokey";
/// The place that failures name.
const PLACE: &str = "the keyring";

/// Stores a credential in the keyring.
#[derive(Clone, Debug)]
pub struct KeyringStore {
    /// One entry per folder.
    entry: Entry,
    /// The lock between processes is still a file.
    lock: FileStore,
}

impl KeyringStore {
    /// Returns the store for that folder.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        let place = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let user = format!("login at {}", place.display());
        Self {
            entry: Entry::new(SERVICE, &user, DEADLINE),
            lock: FileStore::new(folder),
        }
    }
}

fn corrupt() -> StoreFailure {
    let place = PLACE.to_owned();
    StoreFailure::Corrupt { place }
}

fn read(text: &[u8]) -> Result<Option<Stored>, StoreFailure> {
    match auth_file::read(text) {
        Content::Known(stored) => Ok(Some(stored)),
        Content::Empty => Ok(None),
        Content::Corrupt => Err(corrupt()),
        Content::Foreign => {
            let place = PLACE.to_owned();
            Err(StoreFailure::Foreign { place })
        }
    }
}

async fn load(entry: &Entry) -> Result<Option<Stored>, StoreFailure> {
    let text = entry.step(|name, _| platform::get(name)).await?;
    text.map_or(Ok(None), |text| read(&text))
}

fn save(
    name: &Name,
    waiting: &Waiting,
    stored: &Stored,
    saving: Saving,
) -> Result<(), StoreFailure> {
    let previous = platform::get(name)?;
    let previous = previous.as_ref().map(|text| text.as_slice());
    if let Some(previous) = previous {
        // An unreadable entry may still be a login.
        read(previous)?;
    }
    let text = auth_file::write(previous, stored, saving).ok_or_else(corrupt)?;
    // Reading may have waited for the owner, long after its caller got an error.
    waiting.check()?;
    platform::set(name, &text)
}

impl Store for KeyringStore {
    fn name(&self) -> &'static str {
        "keyring"
    }

    fn is_persistent(&self) -> bool {
        true
    }

    fn lock(&self) -> StoreAnswer<'_, StoreLock> {
        self.lock.lock()
    }

    fn load(&self) -> StoreAnswer<'_, Option<Stored>> {
        Box::pin(load(&self.entry))
    }

    fn save(&self, stored: Stored, saving: Saving) -> StoreAnswer<'_, ()> {
        let step = move |name: &Name, waiting: &Waiting| save(name, waiting, &stored, saving);
        Box::pin(async move {
            self.entry.step(step).await?;
            if saving == Saving::Login {
                self.lock.mark();
            }
            Ok(())
        })
    }

    fn stamp(&self) -> Option<Stamp> {
        let [_, marks] = self.lock.marked_stamp();
        Some([None, marks])
    }

    fn check(&self) -> StoreAnswer<'_, ()> {
        Box::pin(async move { load(&self.entry).await.map(drop) })
    }

    fn remove(&self) -> StoreAnswer<'_, bool> {
        Box::pin(async move {
            let removed = self.entry.step(|name, _| platform::remove(name)).await?;
            if removed {
                self.lock.mark();
            }
            Ok(removed)
        })
    }
}
