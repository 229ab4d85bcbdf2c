//! The keyring of the desktop: on Linux the Secret Service, over D-Bus and without a C library; on
//! macOS the login keychain; on Windows the credential manager.
//!
//! A keyring may ask its owner for a password and wait for ever, so each step runs on a thread of
//! its own and has a deadline. Where there is no such keyring, the store says so; so does a program
//! that was built without the feature `keyring`.

mod codex;
mod entry;
mod platform;

use std::path::Path;
use std::time::Duration;

pub use codex::read_codex_keyring;
use entry::{Entry, Name, Waiting};

use super::auth_file::{self, Content};
use super::file::FileStore;
use byokey_auth::{Saving, Store, StoreAnswer, StoreFailure, StoreLock, Stored};

/// How long the owner of the keyring has to unlock it.
const DEADLINE: Duration = Duration::from_secs(20);
/// What the keyring shows its owner.
const SERVICE: &str = "byokey";
/// What failures name.
const PLACE: &str = "the keyring";

/// Keeps a credential in the keyring.
#[derive(Clone, Debug)]
pub struct KeyringStore {
    /// Each folder has its own.
    entry: Entry,
    /// The lock between processes is a file all the same.
    lock: FileStore,
}

impl KeyringStore {
    /// The entry for that folder.
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
        // What cannot be read here is somebody's all the same.
        read(previous)?;
    }
    let text = auth_file::write(previous, stored, saving).ok_or_else(corrupt)?;
    // To read may have taken until the owner was there, long after this was told to have failed.
    waiting.check()?;
    platform::set(name, &text)
}

impl Store for KeyringStore {
    fn name(&self) -> &'static str {
        "keyring"
    }

    fn keeps(&self) -> bool {
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
        Box::pin(self.entry.step(step))
    }

    fn check(&self) -> StoreAnswer<'_, ()> {
        Box::pin(async move { load(&self.entry).await.map(drop) })
    }

    fn remove(&self) -> StoreAnswer<'_, bool> {
        Box::pin(self.entry.step(|name, _| platform::remove(name)))
    }
}
