//! Credentials that this program gets for itself: it asks the issuer whose they are, keeps them
//! in the store, renews them when asked, and gives them back.

use std::sync::Arc;
use std::time::Duration;

use byokey_protocol::account::AccountUpdated;
use byokey_protocol::secret::Secret;

use super::{AuthManager, PendingLogin, Revocation, lock};
use crate::credential::{Credential, ManagedLogin, PersonalAccessToken};
use crate::failure::{LoginRefusal, SignInFailure};
use crate::state::Epoch;
use crate::store::{Saving, Store, StoreFailure, Stored};
use byokey_base::memory::lock_in_memory;

/// A credential that was in force until the logout.
#[derive(Debug)]
pub struct Forgotten(pub(super) Option<Arc<Credential>>);

impl AuthManager {
    /// How often somebody signed in or out: what a login that takes time begins with.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.state().epoch()
    }

    /// Whether tokens of a host may be put in force.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`] says why not.
    pub fn check_external_login(&self) -> Result<(), LoginRefusal> {
        self.state().check_external_login()
    }

    /// Whether an API key may be put in force.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`] says why not.
    pub fn check_api_key_login(&self) -> Result<(), LoginRefusal> {
        self.state().check_api_key_login()
    }

    /// Whether a personal access token may be put in force.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`] says why not.
    pub fn check_personal_login(&self) -> Result<(), LoginRefusal> {
        self.state().check_personal_login()
    }

    /// Whether credentials outlive the process.
    #[must_use]
    pub fn keeps(&self) -> bool {
        self.renewer.store.keeps()
    }

    /// Returns what the user should know about the place of the stored login, a sentence each.
    #[must_use]
    pub fn store_warnings(&self) -> Vec<String> {
        self.renewer.store.warnings()
    }

    /// Whether the store could take a login, which is found out before its user signs in.
    ///
    /// # Errors
    ///
    /// [`StoreFailure`] says why not.
    pub async fn check_store(&self) -> Result<(), StoreFailure> {
        self.renewer.store.check().await
    }

    /// Asks the issuer whose a personal access token is. Nothing is in force until somebody
    /// signs in with the result.
    ///
    /// # Errors
    ///
    /// [`SignInFailure`]; a token whose owner is not known for certain is not taken.
    pub async fn introspect(&self, token: Secret) -> Result<Credential, SignInFailure> {
        let token = PersonalAccessToken::check(token).map_err(LoginRefusal::Invalid)?;
        let token = lock_in_memory(token);
        let owner = self.renewer.issuer.whoami(&token).await;
        let owner = owner.map_err(|failure| SignInFailure::Issuer {
            doing: "failed to request personal access token metadata",
            failure,
        })?;
        let token = PersonalAccessToken::new(token, owner).map_err(LoginRefusal::Invalid)?;
        Ok(Credential::PersonalAccessToken(token))
    }

    /// Signs in: saves the credential where it is to outlive the process, then puts it in force.
    /// A login of ours that it replaces, in force or in the store, is given back.
    ///
    /// # Errors
    ///
    /// [`SignInFailure`]; the credential in force stays.
    pub async fn sign_in(
        self: &Arc<Self>,
        credential: Credential,
        login: PendingLogin,
    ) -> Result<AccountUpdated, SignInFailure> {
        let (update, superseded) = self.replace_kept(credential, login).await?;
        self.give_back(superseded);
        Ok(update)
    }

    /// Signs in with a login that another program keeps using. What it replaces is not given
    /// back, because that may be the same login, taken over earlier.
    ///
    /// # Errors
    ///
    /// As [`AuthManager::sign_in`].
    pub async fn take_over(
        self: &Arc<Self>,
        credential: Credential,
        login: PendingLogin,
    ) -> Result<AccountUpdated, SignInFailure> {
        let (update, _) = self.replace_kept(credential, login).await?;
        Ok(update)
    }

    /// Signs in. Also returns the login of ours that was replaced.
    async fn replace_kept(
        self: &Arc<Self>,
        credential: Credential,
        login: PendingLogin,
    ) -> Result<(AccountUpdated, Option<Arc<Credential>>), SignInFailure> {
        let _turn = self.store_turn.lock().await;
        self.check_pending(&credential, &login)?;
        let store = &self.renewer.store;
        let mut superseded = self.managed_in_force();
        if let Some(stored) = credential.stored().filter(|_| store.keeps()) {
            let _lock = store.lock().await?;
            if superseded.is_none() {
                superseded = managed_in(&**store).await?;
            }
            store.save(stored, Saving::Login).await?;
            let overtaken = self.check_pending(&credential, &login);
            if let Err(refusal) = overtaken {
                // What overtook this login does not want it in the store.
                store.remove().await?;
                return Err(refusal.into());
            }
        }
        let settlement = self.state().login_own(credential, login.epoch, login.by)?;
        Ok((self.replaced(settlement), superseded))
    }

    /// Returns whether the login would be taken and is still wanted.
    fn check_pending(
        &self,
        credential: &Credential,
        login: &PendingLogin,
    ) -> Result<(), LoginRefusal> {
        self.state().check_own(credential, login.epoch)?;
        if login.is_cancelled() {
            return Err(LoginRefusal::Overtaken);
        }
        Ok(())
    }

    /// Whether the credential is a login of ours, which alone can be renewed on demand.
    #[must_use]
    pub fn is_managed(&self) -> bool {
        self.read(|credential| matches!(credential, Some(Credential::Managed(_))))
    }

    /// Whether it is known that the login in force cannot be renewed any more.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.state().dead().is_some()
    }

    /// Forgets the credential, at once, and ends the calls that use it. What a store keeps is
    /// still there: [`AuthManager::clear_store`] follows. A renewal under way ends with it; what it
    /// spent a refresh token for is revoked, if the caller revokes the forgotten login too.
    pub fn logout(self: &Arc<Self>, revocation: Revocation) -> (AccountUpdated, Forgotten) {
        let forgotten = self.state().credential().cloned();
        let settlement = self.state().logout();
        self.signed_out.send_replace(());
        let asking = lock(&self.asking).take();
        let update = self.settled(settlement, asking, revocation);
        (update, Forgotten(forgotten))
    }

    /// Removes what the store keeps.
    ///
    /// # Errors
    ///
    /// [`StoreFailure`]; what was kept may still be.
    pub async fn clear_store(&self) -> Result<bool, StoreFailure> {
        let store = &self.renewer.store;
        if !store.keeps() {
            return Ok(false);
        }
        let _turn = self.store_turn.lock().await;
        let _lock = store.lock().await?;
        store.remove().await
    }

    /// Has the issuer take a forgotten login back, best effort. One that could not be renewed was
    /// lent by its owner, and ends by itself.
    pub async fn revoke(&self, forgotten: Forgotten) {
        let Some(Credential::Managed(login)) = forgotten.0.as_deref() else {
            return;
        };
        let Some(refresh_token) = &login.tokens().refresh_token else {
            return;
        };
        let revoked = self.renewer.issuer.revoke(refresh_token);
        // Nothing of the login stays here while the issuer thinks.
        drop(forgotten);
        if let Err(failure) = revoked.await {
            tracing::warn!("the issuer did not take the login back: {failure}");
        }
    }

    /// Waits until nothing is on its way to the store.
    pub async fn settle_store(&self) {
        drop(self.store_turn.lock().await);
    }

    /// Waits for the calls that give superseded logins back, but not for longer than this.
    pub async fn finish(&self, patience: Duration) {
        self.giving_back.finish(patience).await;
    }

    pub(super) fn managed_in_force(&self) -> Option<Arc<Credential>> {
        let state = self.state();
        let credential = state.credential()?;
        matches!(**credential, Credential::Managed(_)).then(|| Arc::clone(credential))
    }

    /// Gives a replaced login back, unless its successor holds the same tokens.
    pub(super) fn give_back(self: &Arc<Self>, superseded: Option<Arc<Credential>>) {
        let is_over = |old: &Credential| {
            let Credential::Managed(old) = old else {
                return false;
            };
            !self.read(|new| match new {
                Some(Credential::Managed(new)) => old.has_same_tokens(new),
                _ => false,
            })
        };
        if let Some(old) = superseded.filter(|old| is_over(old)) {
            let manager = Arc::clone(self);
            let revoked = async move { manager.revoke(Forgotten(Some(old))).await };
            self.giving_back.spawn(revoked);
        }
    }
}

/// The login of ours that a store keeps. One that means nothing cannot be given back.
async fn managed_in(store: &dyn Store) -> Result<Option<Arc<Credential>>, StoreFailure> {
    let Some(Stored::Managed(tokens)) = store.load().await? else {
        return Ok(None);
    };
    let login = ManagedLogin::new(tokens).ok();
    Ok(login.map(|login| Arc::new(Credential::Managed(login))))
}

impl Forgotten {
    /// Whether there is a login that the issuer could take back.
    #[must_use]
    pub fn is_revocable(&self) -> bool {
        matches!(self.0.as_deref(), Some(Credential::Managed(_)))
    }
}
