//! Where credentials are kept beyond the life of the process, if the user chose a place.

use std::fmt;
use std::pin::Pin;

use byokey_protocol::secret::Secret;

use super::credential::{
    ApiKey, Credential, InvalidCredential, ManagedLogin, ManagedTokens, PersonalAccessToken,
};

/// An answer of a store to come.
pub type StoreAnswer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreFailure>> + Send + 'a>>;

/// A credential as a store keeps it. Tokens of a host have no such form, so they never get there.
#[derive(Debug)]
pub enum Stored {
    /// An OpenAI API key.
    ApiKey(Secret),
    /// A login that this program runs.
    Managed(ManagedTokens),
    /// A personal access token. Whose it is, is asked for at every start.
    PersonalAccessToken(Secret),
}

impl Stored {
    /// A second copy, made knowingly.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        match self {
            Self::ApiKey(key) => Self::ApiKey(key.duplicate()),
            Self::Managed(tokens) => Self::Managed(tokens.duplicate()),
            Self::PersonalAccessToken(token) => Self::PersonalAccessToken(token.duplicate()),
        }
    }
}

/// A stored credential that can be used.
#[derive(Debug)]
pub enum Restored {
    /// All that is needed of it is known.
    Credential(Credential),
    /// A personal access token; the issuer knows its owner.
    PersonalAccessToken(Secret),
}

impl Stored {
    /// Validates what a store holds. Every reader of a store calls this, so that one file means the
    /// same to all of them.
    ///
    /// # Errors
    ///
    /// [`InvalidCredential`] for what could not be sent.
    pub fn restore(self) -> Result<Restored, InvalidCredential> {
        Ok(match self {
            Self::ApiKey(key) => Restored::Credential(Credential::ApiKey(ApiKey::new(key)?)),
            Self::Managed(tokens) => {
                Restored::Credential(Credential::Managed(ManagedLogin::new(tokens)?))
            }
            Self::PersonalAccessToken(token) => {
                Restored::PersonalAccessToken(PersonalAccessToken::check(token)?)
            }
        })
    }
}

/// Why a credential is saved. What others keep beside the tokens of a login belongs to that login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saving {
    /// Somebody signed in: nothing of an earlier login stays.
    Login,
    /// The login that is kept was renewed.
    Renewal,
}

/// Keeps at most one credential. Every answer has a deadline.
pub trait Store: Send + Sync {
    /// What `status` calls it.
    fn name(&self) -> &'static str;

    /// Whether it keeps anything at all.
    fn keeps(&self) -> bool;

    /// Keeps other processes from changing what is kept, until the lock is dropped.
    fn lock(&self) -> StoreAnswer<'_, StoreLock>;

    /// What is kept.
    fn load(&self) -> StoreAnswer<'_, Option<Stored>>;

    /// Returns what the user should know about the place of the stored login, a sentence each.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether a login could be saved, before its user is asked to sign in.
    fn check(&self) -> StoreAnswer<'_, ()> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Removes what a process left that was killed while it saved.
    fn tidy(&self) {}

    /// Keeps this in place of what was kept.
    fn save(&self, stored: Stored, saving: Saving) -> StoreAnswer<'_, ()>;

    /// Keeps nothing any more. Tells whether anything was kept.
    fn remove(&self) -> StoreAnswer<'_, bool>;
}

/// Held while a store must not change.
pub struct StoreLock(Option<Box<dyn Send + Sync>>);

impl StoreLock {
    /// A lock that ends when this value is dropped.
    pub fn held(by: impl Send + Sync + 'static) -> Self {
        Self(Some(Box::new(by)))
    }

    /// The lock of a store that nobody shares.
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

/// Why a store did not do what was asked. What it keeps is as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreFailure {
    /// It cannot be read.
    #[error("cannot read {place}: {problem}")]
    Unreadable {
        /// The file, or the kind of store.
        place: String,
        /// Ours or the system's words.
        problem: String,
    },
    /// What is kept is not a credential.
    #[error(
        "{place} does not hold a login that can be read; it was left as it is. Move it away, then \
         sign in again"
    )]
    Corrupt {
        /// The file, or the kind of store.
        place: String,
    },
    /// What is kept belongs to a kind of login that this program does not know.
    #[error("{place} holds a kind of login that is not known here; it was left as it is")]
    Foreign {
        /// The file, or the kind of store.
        place: String,
    },
    /// It cannot be written.
    #[error("cannot write {place}: {problem}; what it held is unchanged")]
    Unwritable {
        /// The file, or the kind of store.
        place: String,
        /// Ours or the system's words.
        problem: String,
    },
    /// What is kept is still there.
    #[error("{place} was not removed: {problem}; what it holds is still there")]
    NotRemoved {
        /// The file, or the kind of store.
        place: String,
        /// Ours or the system's words.
        problem: String,
    },
    /// The keyring wants its password.
    #[error("the keyring is locked; unlock it, or choose another store with --store file")]
    Locked,
    /// The keyring may have asked its owner for the password, who gave none in time.
    #[error(
        "the keyring did not answer in time; if it asks for its password, give it and try again, \
         or choose another store with --store file"
    )]
    SilentKeyring,
    /// There is no keyring.
    #[error("no keyring answers here; choose another store with --store file")]
    NoKeyring,
    /// The user has no home folder, and no other folder is named.
    #[error(
        "there is no folder to store a login in: HOME is not set and the system has no entry for \
         the user; name a folder with BYOKEY_HOME"
    )]
    NoFolder,
    /// Another process does not let go.
    #[error("another process holds {place}; try again when it is done")]
    Busy {
        /// The lock.
        place: String,
    },
}

impl Credential {
    /// The credential as a store keeps it, if it may be kept.
    #[must_use]
    pub fn stored(&self) -> Option<Stored> {
        match self {
            Self::ApiKey(key) => Some(Stored::ApiKey(key.secret().duplicate())),
            Self::External(_) => None,
            Self::Managed(login) => Some(Stored::Managed(login.tokens().duplicate())),
            Self::PersonalAccessToken(token) => {
                Some(Stored::PersonalAccessToken(token.secret().duplicate()))
            }
        }
    }
}
