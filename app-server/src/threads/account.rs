//! The account of a conversation.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use byokey_auth::{AccountIdentity, Accounts, AuthManager, Lease, PeerId};

/// The account of a thread: the one that it began with, or that a client named for it since. No part
/// of the conversation is sent under another one, unless the connection that owns the thread
/// replaced the account itself.
#[derive(Debug)]
pub struct ThreadAccount {
    owner: PeerId,
    account: Mutex<Option<Known>>,
}

#[derive(Clone, Debug)]
struct Known {
    identity: AccountIdentity,
    /// The manager that it was held by.
    manager: Weak<AuthManager>,
}

impl Known {
    fn of(lease: &Lease) -> Self {
        Self {
            identity: lease.credential.identity(),
            manager: Arc::downgrade(&lease.manager),
        }
    }
}

impl ThreadAccount {
    /// Returns the account of a thread that this connection starts under this credential.
    #[must_use]
    pub fn new(owner: PeerId, lease: Option<&Lease>) -> Self {
        Self {
            owner,
            account: Mutex::new(lease.map(Known::of)),
        }
    }

    /// Returns the manager of the account. Where it is gone, that of the selected one, whose
    /// credential [`ThreadAccount::admits`] judges.
    pub(crate) fn manager(&self, accounts: &Accounts) -> Arc<AuthManager> {
        if accounts.is_alone() {
            return accounts.first();
        }
        let identity = self.account().as_ref().map(|it| it.identity.clone());
        let found = identity.and_then(|identity| accounts.of_account(&identity));
        found.unwrap_or_else(|| accounts.selected())
    }

    /// Returns whether the conversation may be sent under this credential. A thread without an
    /// account belongs to the first one that it is sent under. Without a credential, as to a
    /// provider that wants none, only the conversation of a host's bearer token is not sent.
    pub fn admits(&self, lease: Option<&Lease>) -> bool {
        let mut account = self.account();
        let known = account.as_ref();
        let Some(lease) = lease else {
            return !known.is_some_and(|it| matches!(it.identity, AccountIdentity::Bearer { .. }));
        };
        let wanted = Known::of(lease);
        let is_admitted = match known {
            None => true,
            Some(known) if known.identity.is_same(&wanted.identity) => return true,
            // Another account of several took no one's place.
            Some(known) => {
                lease.installed_by == Some(self.owner) && known.manager.ptr_eq(&wanted.manager)
            }
        };
        if is_admitted {
            *account = Some(wanted);
        }
        is_admitted
    }

    fn account(&self) -> MutexGuard<'_, Option<Known>> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
