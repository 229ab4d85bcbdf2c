//! Taking up what was there before this process.

use std::sync::Arc;

use byokey_protocol::account::AccountUpdated;

use super::{AuthManager, Forgotten, lock};
use crate::credential::Credential;
use crate::failure::{LoginRefusal, SignInFailure};
use crate::state::Epoch;
use crate::store::Restored;

impl AuthManager {
    /// Puts a credential in force that was there before: nobody wants it kept, or it is kept.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`]; the credential in force stays.
    pub fn adopt(
        self: &Arc<Self>,
        credential: Credential,
        begun: Epoch,
    ) -> Result<AccountUpdated, LoginRefusal> {
        let settlement = self.state().take_up(credential, begun)?;
        Ok(self.replaced(settlement))
    }

    /// Takes up the credential that the store keeps. Tells whether there is one.
    ///
    /// # Errors
    ///
    /// [`SignInFailure`]; nobody is signed in then, and the store is as it was.
    pub async fn take_up(self: &Arc<Self>) -> Result<bool, SignInFailure> {
        let begun = self.epoch();
        self.renewer.store.tidy();
        let Some(stored) = self.renewer.store.load().await? else {
            return Ok(false);
        };
        let credential = match stored.restore().map_err(LoginRefusal::Invalid)? {
            Restored::Credential(credential) => credential,
            Restored::PersonalAccessToken(token) => self.introspect(token).await?,
        };
        let checked = self.state().check_own(&credential, begun);
        if let Err(refusal) = checked {
            if self.state().credential().is_none() && credential.can_be_renewed() {
                // A logout that comes next has to know which grant to revoke.
                *lock(&self.signed_out_unseen) = Some(Arc::new(credential));
            }
            return Err(refusal.into());
        }
        self.adopt(credential, begun)?;
        Ok(true)
    }

    /// The login that the store still held at a logout that came before it was taken up.
    #[must_use]
    pub fn signed_out_unseen(&self) -> Forgotten {
        Forgotten(lock(&self.signed_out_unseen).take())
    }
}
