//! The trait for persistence: where credentials are stored beyond the process, if the user chose a
//! place.

use std::borrow::Cow;
use std::fmt;
use std::pin::Pin;
use std::time::SystemTime;

use byokey_protocol::secret::Secret;

use super::credential::{
    ApiKey, InvalidCredential, ManagedLogin, ManagedTokens, OwnCredential, PersonalAccessToken,
};

/// A pending answer of a store.
pub type StoreAnswer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreFailure>> + Send + 'a>>;

/// A credential in the form that is stored. A host's tokens have no such form, so they are never
/// stored.
#[derive(Debug)]
pub enum Stored {
    /// An OpenAI API key.
    ApiKey(Secret),
    /// A login that this program runs.
    Managed(ManagedTokens),
    /// A personal access token. Its owner is looked up at every start.
    PersonalAccessToken(Secret),
}

impl Stored {
    /// Returns a copy. Explicit, because `Secret` has no `Clone`.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        match self {
            Self::ApiKey(key) => Self::ApiKey(key.duplicate()),
            Self::Managed(tokens) => Self::Managed(tokens.duplicate()),
            Self::PersonalAccessToken(token) => Self::PersonalAccessToken(token.duplicate()),
        }
    }
}

/// A validated stored credential.
#[derive(Debug)]
pub enum Restored {
    /// A complete credential.
    Credential(OwnCredential),
    /// A personal access token; its owner is to be looked up at the issuer.
    PersonalAccessToken(Secret),
}

impl Stored {
    /// Validates a stored credential. Every reader of a store calls this, so that all interpret a
    /// file alike.
    ///
    /// # Errors
    ///
    /// [`InvalidCredential`] for values that cannot be sent.
    pub fn restore(self) -> Result<Restored, InvalidCredential> {
        Ok(match self {
            Self::ApiKey(key) => Restored::Credential(OwnCredential::ApiKey(ApiKey::new(key)?)),
            Self::Managed(tokens) => Restored::Credential(ManagedLogin::new(tokens)?.into()),
            Self::PersonalAccessToken(token) => {
                Restored::PersonalAccessToken(PersonalAccessToken::check(token)?)
            }
        })
    }
}

/// Why a credential is saved. Other members stored with a login belong to that login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saving {
    /// A new login: nothing of an earlier login is preserved.
    Login,
    /// A renewal of the stored login.
    Renewal,
}

/// The times and the lengths of the files that change with the stored login.
pub type Stamp = [Option<(SystemTime, u64)>; 2];

/// Stores at most one credential. Every call has a deadline.
pub trait Store: Send + Sync {
    /// Returns its name in `status`.
    fn name(&self) -> &'static str;

    /// Returns whether it persists anything.
    fn is_persistent(&self) -> bool;

    /// Locks the store against other processes until the lock is dropped.
    fn lock(&self) -> StoreAnswer<'_, StoreLock>;

    /// Returns the stored credential.
    fn load(&self) -> StoreAnswer<'_, Option<Stored>>;

    /// Returns a value that differs after another process has removed the login or stored another
    /// one. It takes no longer than a look at a file, and prompts for nothing. `None` where there is
    /// no such value.
    fn stamp(&self) -> Option<Stamp> {
        None
    }

    /// Returns warnings about where the login is stored, one sentence each.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// Checks whether a login could be saved, before the user logs in.
    fn check(&self) -> StoreAnswer<'_, ()> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Removes temporary files of a process that was killed while saving.
    fn tidy(&self) {}

    /// Replaces the stored credential.
    fn save(&self, stored: Stored, saving: Saving) -> StoreAnswer<'_, ()>;

    /// Removes the stored credential. Returns whether there was one.
    fn remove(&self) -> StoreAnswer<'_, bool>;
}

/// Held while the store must not change.
pub struct StoreLock(Option<Box<dyn Send + Sync>>);

impl StoreLock {
    /// Returns a lock that is released with this value.
    pub fn held(by: impl Send + Sync + 'static) -> Self {
        Self(Some(Box::new(by)))
    }

    /// Returns the lock of an unshared store.
    #[must_use]
    pub const fn unshared() -> Self {
        Self(None)
    }
}

impl fmt::Debug for StoreLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoreLock").field(&self.0.is_some()).finish()
    }
}

/// Why an operation of a store failed. The stored credential is unchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreFailure {
    /// It cannot be read.
    #[error("cannot read {place}: {problem}")]
    Unreadable {
        /// The file, or the kind of store.
        place: String,
        /// Our text or the system's.
        problem: String,
    },
    /// The content is not a credential.
    #[error(
        "{place} does not contain a readable login; it was left unchanged. Move it away, then \
         sign in again"
    )]
    Corrupt {
        /// The file, or the kind of store.
        place: String,
    },
    /// The content belongs to an unknown kind of login.
    #[error("{place} contains an unknown kind of login; it was left unchanged")]
    Foreign {
        /// The file, or the kind of store.
        place: String,
    },
    /// It cannot be written.
    #[error("cannot write {place}: {problem}; what it held is unchanged")]
    Unwritable {
        /// The file, or the kind of store.
        place: String,
        /// Our text or the system's.
        problem: String,
    },
    /// The stored credential was not removed.
    #[error("{place} was not removed: {problem}; its content is still there")]
    NotRemoved {
        /// The file, or the kind of store.
        place: String,
        /// Our text or the system's.
        problem: String,
    },
    /// The keyring is locked.
    #[error("the keyring is locked; unlock it, or choose another store with --store file")]
    Locked,
    /// The keyring did not answer in time; it may be waiting for its password.
    #[error(
        "the keyring did not answer in time; if it prompts for its password, enter it and try \
         again, or choose another store with --store file"
    )]
    SilentKeyring,
    /// The keyring is there, and did not do what was asked.
    #[error("the keyring failed: {problem}; choose another store with --store file")]
    KeyringFailed {
        /// Our text, with the system's error if it is known.
        problem: Cow<'static, str>,
    },
    /// There is no keyring.
    #[error("no keyring answers here; choose another store with --store file")]
    NoKeyring,
    /// The user has no home folder, and no other folder is configured.
    #[error(
        "there is no folder to store a login in: HOME is not set and the system has no entry for \
         the user; name a folder with BYOKEY_HOME"
    )]
    NoFolder,
    /// Another process holds the lock.
    #[error("another process holds {place}; try again when it is done")]
    Busy {
        /// The lock.
        place: String,
    },
}

impl OwnCredential {
    /// Returns the form that is stored.
    #[must_use]
    pub fn stored(&self) -> Stored {
        match self {
            Self::ApiKey(key) => Stored::ApiKey(key.secret().duplicate()),
            Self::Managed(login) => Stored::Managed(login.tokens().duplicate()),
            Self::PersonalAccessToken(token) => {
                Stored::PersonalAccessToken(token.secret().duplicate())
            }
        }
    }
}
