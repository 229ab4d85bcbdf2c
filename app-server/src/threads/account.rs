//! The account of a conversation.

use std::sync::{Mutex, PoisonError};

use byokey_auth::{AccountIdentity, Lease, PeerId};

/// The account of a thread: the one that it began with. No part of the conversation is sent under
/// another one, unless the connection that owns the thread changed the account itself.
#[derive(Debug)]
pub struct ThreadAccount {
    owner: PeerId,
    account: Mutex<Option<AccountIdentity>>,
}

impl ThreadAccount {
    /// Returns the account of a thread that this connection starts under this credential.
    #[must_use]
    pub fn new(owner: PeerId, lease: Option<&Lease>) -> Self {
        let account = lease.map(|lease| lease.credential.identity());
        Self {
            owner,
            account: Mutex::new(account),
        }
    }

    /// Returns whether the conversation may be sent under this credential. A thread without an
    /// account belongs to the first one that it is sent under. Without a credential, as to a
    /// provider that wants none, only the conversation of a host's bearer token is not sent.
    pub fn admits(&self, lease: Option<&Lease>) -> bool {
        let mut account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(lease) = lease else {
            return !matches!(*account, Some(AccountIdentity::Bearer { .. }));
        };
        let wanted = lease.credential.identity();
        let is_admitted = match &*account {
            None => true,
            Some(account) if account.is_same(&wanted) => return true,
            Some(_) => lease.installed_by == Some(self.owner),
        };
        if is_admitted {
            *account = Some(wanted);
        }
        is_admitted
    }
}
