//! Taking up what was there before this process.

use std::sync::Arc;

use byokey_protocol::account::AccountUpdated;

use super::{AuthManager, Forgotten, lock};
use crate::credential::{ApiKey, Credential, ManagedLogin};
use crate::failure::{LoginRefusal, SignInFailure};
use crate::state::Epoch;
use crate::store::{StoreFailure, Stored};

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
        let unreadable = || StoreFailure::Corrupt {
            place: self.renewer.store.name().to_owned(),
        };
        let credential = match self.renewer.store.load().await? {
            None => return Ok(false),
            Some(Stored::ApiKey(key)) => {
                Credential::ApiKey(ApiKey::new(key).map_err(LoginRefusal::Invalid)?)
            }
            Some(Stored::Managed(tokens)) => {
                Credential::Managed(ManagedLogin::new(tokens).map_err(|_| unreadable())?)
            }
            Some(Stored::PersonalAccessToken(token)) => self.introspect(token).await?,
        };
        let overtaken = self.state().check_own(&credential, begun).is_err();
        if overtaken && self.state().credential().is_none() && credential.can_be_renewed() {
            // Somebody signed out before it was known what there was to give back.
            *lock(&self.signed_out_unseen) = Some(Arc::new(credential));
            return Err(LoginRefusal::Overtaken.into());
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
