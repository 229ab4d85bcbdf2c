//! Changes of the store by other processes: a login that one of them has removed ends here as well.
//!
//! Nothing waits for such a change: the owner of calls asks before them, and while they last.

use std::sync::Arc;

use super::{AuthManager, Revocation, lock};
use crate::state::Epoch;
use crate::store::Stamp;

/// The login in force that is stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Followed {
    epoch: Epoch,
    /// The store's stamp when it was last known to hold the login.
    stamp: Stamp,
}

impl AuthManager {
    /// Remembers that the login in force is stored, with this stamp.
    pub(super) fn follow(&self, stamp: Option<Stamp>) {
        let epoch = self.epoch();
        *lock(&self.followed) = stamp.map(|stamp| Followed { epoch, stamp });
    }

    /// Logs out where another process has removed the login in force from the store, or stored that
    /// of another account. A store that has not changed is not read.
    pub async fn follow_store(self: &Arc<Self>) {
        let followed = *lock(&self.followed);
        let Some(followed) = followed.filter(|followed| followed.epoch == self.epoch()) else {
            return;
        };
        let store = &self.renewer.store;
        let Some(stamp) = store.stamp().filter(|stamp| *stamp != followed.stamp) else {
            return;
        };
        // Not in the middle of a change of our own.
        let turn = self.store_turn.lock().await;
        let stored = store.load().await;
        drop(turn);
        if self.epoch() != followed.epoch {
            return;
        }
        let is_stored = match stored {
            Ok(Some(stored)) => self.read(|it| it.is_some_and(|it| it.is_stored_as(stored))),
            Ok(None) => false,
            Err(failure) => {
                tracing::warn!("the stored login changed, and cannot be read: {failure}");
                true
            }
        };
        if is_stored {
            self.follow(Some(stamp));
            return;
        }
        tracing::warn!("another process has logged out, or logged in with another account");
        // Whether its tokens are to be revoked was for that process to decide.
        let (update, _) = self.logout(Revocation::Leave);
        self.host.account_updated(update);
    }
}
