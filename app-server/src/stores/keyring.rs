//! The keyring of the desktop: the Secret Service, over D-Bus and without a C library.
//!
//! A keyring may ask its owner for a password and wait for ever, so each step runs on a thread of
//! its own and has a deadline. Where there is no such keyring, the store says so.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use zeroize::Zeroizing;

use super::auth_file::{self, Content};
use super::file::FileStore;
use crate::auth::{Saving, Store, StoreAnswer, StoreFailure, StoreLock, Stored};

/// How long the owner of the keyring has to unlock it.
const DEADLINE: Duration = Duration::from_secs(20);
/// What failures name.
const PLACE: &str = "the keyring";

/// Keeps a credential in the keyring.
#[derive(Clone, Debug)]
pub struct KeyringStore {
    /// Names the entry: each folder has its own.
    user: Arc<str>,
    /// The lock between processes is a file all the same.
    lock: FileStore,
    /// Steps do not overtake one another, not even those that nobody waits for any more.
    turn: Arc<Mutex<()>>,
}

type Text = Zeroizing<Vec<u8>>;

impl KeyringStore {
    /// The entry for that folder.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        let place = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        Self {
            user: format!("login at {}", place.display()).into(),
            lock: FileStore::new(folder),
            turn: Arc::default(),
        }
    }

    async fn step<T: Send + 'static>(
        &self,
        work: impl FnOnce(&str) -> Result<T, StoreFailure> + Send + 'static,
    ) -> Result<T, StoreFailure> {
        let (user, turn) = (Arc::clone(&self.user), Arc::clone(&self.turn));
        let step = tokio::task::spawn_blocking(move || {
            let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
            work(&user)
        });
        match tokio::time::timeout(DEADLINE, step).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err(StoreFailure::NoKeyring),
            Err(_) => Err(StoreFailure::Locked),
        }
    }
}

fn read(text: &[u8]) -> Result<Option<Stored>, StoreFailure> {
    let place = || PLACE.to_owned();
    match auth_file::read(text) {
        Content::Known(stored) => Ok(Some(stored)),
        Content::Empty => Ok(None),
        Content::Corrupt => Err(StoreFailure::Corrupt { place: place() }),
        Content::Foreign => Err(StoreFailure::Foreign { place: place() }),
    }
}

fn save(user: &str, stored: &Stored, saving: Saving) -> Result<(), StoreFailure> {
    let previous = platform::get(user)?;
    let previous = previous.as_ref().map(|text| text.as_slice());
    if let Some(previous) = previous {
        // What cannot be read here is somebody's all the same.
        read(previous)?;
    }
    let text = auth_file::write(previous, stored, saving).ok_or_else(|| StoreFailure::Corrupt {
        place: PLACE.to_owned(),
    })?;
    platform::set(user, &text)
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
        Box::pin(async move {
            let text = self.step(platform::get).await?;
            text.map_or(Ok(None), |text: Text| read(&text))
        })
    }

    fn save(&self, stored: Stored, saving: Saving) -> StoreAnswer<'_, ()> {
        Box::pin(self.step(move |user| save(user, &stored, saving)))
    }

    fn remove(&self) -> StoreAnswer<'_, bool> {
        Box::pin(self.step(platform::remove))
    }
}

#[cfg(target_os = "linux")]
mod platform {
    use keyring_core::api::CredentialStoreApi as _;
    use keyring_core::{Entry, Error};
    use zbus_secret_service_keyring_store::Store;
    use zeroize::Zeroizing;

    use super::{StoreFailure, Text};

    /// What the keyring shows its owner.
    const SERVICE: &str = "byokey";

    fn entry(user: &str) -> Result<Entry, StoreFailure> {
        let store = Store::new().map_err(|_| StoreFailure::NoKeyring)?;
        let entry = store.build(SERVICE, user, None);
        entry.map_err(|error| failure(&error))
    }

    pub(super) fn get(user: &str) -> Result<Option<Text>, StoreFailure> {
        match entry(user)?.get_secret() {
            Ok(secret) => Ok(Some(Zeroizing::new(secret))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(failure(&error)),
        }
    }

    pub(super) fn set(user: &str, text: &[u8]) -> Result<(), StoreFailure> {
        let set = entry(user)?.set_secret(text);
        set.map_err(|error| failure(&error))
    }

    pub(super) fn remove(user: &str) -> Result<bool, StoreFailure> {
        match entry(user)?.delete_credential() {
            Ok(()) => Ok(true),
            Err(Error::NoEntry) => Ok(false),
            Err(error) => Err(failure(&error)),
        }
    }

    /// The words of the keyring are not repeated.
    const fn failure(error: &Error) -> StoreFailure {
        match error {
            Error::NoStorageAccess(_) => StoreFailure::Locked,
            _ => StoreFailure::NoKeyring,
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use super::{StoreFailure, Text};

    pub(super) const fn get(_: &str) -> Result<Option<Text>, StoreFailure> {
        Err(StoreFailure::NoKeyring)
    }

    pub(super) const fn set(_: &str, _: &[u8]) -> Result<(), StoreFailure> {
        Err(StoreFailure::NoKeyring)
    }

    pub(super) const fn remove(_: &str) -> Result<bool, StoreFailure> {
        Err(StoreFailure::NoKeyring)
    }
}
