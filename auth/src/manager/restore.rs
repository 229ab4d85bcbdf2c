//! Restoring a credential from before this process.

use std::sync::Arc;

use byokey_protocol::account::AccountUpdated;

use super::{AuthManager, Forgotten, lock};
use crate::credential::OwnCredential;
use crate::failure::{LoginRefusal, OwnLoginFailure};
use crate::state::Epoch;
use crate::store::Restored;

impl AuthManager {
    /// Installs a credential from before this process: one that is not to be persisted, or already
    /// is.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`]; the credential in force is unchanged.
    pub fn restore(
        self: &Arc<Self>,
        credential: OwnCredential,
        begun: Epoch,
    ) -> Result<AccountUpdated, LoginRefusal> {
        let transition = self.state().restore(credential, begun)?;
        Ok(self.replaced(transition))
    }

    /// Restores the stored credential. Returns whether there is one.
    ///
    /// # Errors
    ///
    /// [`OwnLoginFailure`]; no credential is in force then, and the store is unchanged.
    pub async fn restore_from_store(self: &Arc<Self>) -> Result<bool, OwnLoginFailure> {
        let begun = self.epoch();
        self.renewer.store.tidy();
        let stamp = self.renewer.store.stamp();
        let Some(stored) = self.renewer.store.load().await? else {
            return Ok(false);
        };
        let credential = match stored.restore().map_err(LoginRefusal::Invalid)? {
            Restored::Credential(credential) => credential,
            Restored::PersonalAccessToken(token) => self.introspect(token).await?,
        };
        let checked = self.state().check_own(&credential, begun);
        if let Err(refusal) = checked {
            if let OwnCredential::Managed(login) = credential
                && self.state().credential().is_none()
            {
                // A later logout must know which grant to revoke.
                *lock(&self.signed_out_unseen) = Some(login);
            }
            return Err(refusal.into());
        }
        self.restore(credential, begun)?;
        self.follow(stamp);
        Ok(true)
    }

    /// Returns the login that the store held at a logout that came before it was restored.
    #[must_use]
    pub fn signed_out_unseen(&self) -> Forgotten {
        Forgotten(lock(&self.signed_out_unseen).take())
    }
}
